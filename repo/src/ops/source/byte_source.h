#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

namespace cairn::repo::ops {

/// The bytes of one object of a source: a file, a stream. Not thread-safe. Messages of errors leave
/// out the path, which the caller has: they serve as the reason of a Problem.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// As far as it is known before anything is read; 0: there may be something all the same.
  [[nodiscard]] virtual std::uint64_t size_bytes() const noexcept = 0;

  /// A run of data or a hole.
  struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t length_bytes = 0;
    bool is_hole = false;
  };
  /// The one from `offset` on; nullopt at or behind the end. Data of unknown size is one extent of
  /// kFileSizeMax bytes.
  [[nodiscard]] virtual core::Result<std::optional<Extent>> next_extent(std::uint64_t offset) = 0;

  /// Reads up to out.size() bytes at `offset`; fewer only at the end. Offsets grow from call to
  /// call, unless the source says otherwise. limit_exceeded: there is more of it than is sane.
  [[nodiscard]] virtual core::Result<std::size_t> read_at(std::uint64_t offset,
                                                          core::MutableByteView out) = 0;

  /// Whether it is another one than when it was opened; asked behind the last byte at the latest.
  /// An error: what was read is worth nothing.
  [[nodiscard]] virtual core::Result<bool> has_changed() = 0;
};

}  // namespace cairn::repo::ops
