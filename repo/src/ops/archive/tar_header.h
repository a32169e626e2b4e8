#pragma once

#include <optional>
#include <string>

#include "cairn/core/bytes.h"
#include "cairn/repo/entry.h"

/// Headers of tar archives in the pax format of POSIX.1-2001. What does not fit into the fields of
/// a ustar header goes into a record before it. Names are written as bytes, as in GNU tar.
namespace cairn::repo::ops {

inline constexpr std::size_t kTarBlockBytes = 512;
inline constexpr std::size_t kTarEndBytes = 2 * kTarBlockBytes;  ///< zeros that end an archive

struct TarMember {
  std::string path;  ///< relative; folders end with '/'
  const Entry& entry;
  std::optional<std::string> hard_link_to =
      {};  ///< path of an earlier member; then without content
  /// For a file with holes: the size of its map and data in the archive (tar_sparse.h).
  std::optional<std::uint64_t> sparse_bytes = {};
};

/// False if tar has no type for it (sockets) or too small a field (device numbers above 21 bits).
[[nodiscard]] bool fits_into_tar(const Entry& entry) noexcept;

/// All blocks before the content. Precondition: fits_into_tar().
[[nodiscard]] core::Bytes tar_header(const TarMember& member);

/// Zeros that follow a content of this size, up to the next block.
[[nodiscard]] std::size_t tar_padding(std::uint64_t size_bytes) noexcept;

}  // namespace cairn::repo::ops
