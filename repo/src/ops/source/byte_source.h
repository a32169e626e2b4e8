#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

namespace cairn::repo::ops {

/// The bytes of one object of a source: a file, a stream. Not thread-safe. Error messages leave out
/// the path, which the caller knows, so they can serve as the reason of a Problem.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// As far as it is known before reading; with 0 there may still be something.
  [[nodiscard]] virtual std::uint64_t size_bytes() const noexcept = 0;

  /// A run of data or a hole.
  struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t length_bytes = 0;
    bool is_hole = false;
  };
  /// The extent at `offset`; nullopt at or beyond the end. Data of unknown size is one extent of
  /// kFileSizeMax bytes.
  [[nodiscard]] virtual core::Result<std::optional<Extent>> next_extent(std::uint64_t offset) = 0;

  /// Reads up to out.size() bytes at `offset`; fewer only at the end. Offsets grow from call to
  /// call, unless the source says otherwise. limit_exceeded: there is unreasonably much of it.
  [[nodiscard]] virtual core::Result<std::size_t> read_at(std::uint64_t offset,
                                                          core::MutableByteView out) = 0;

  /// Whether it has changed since it was opened; to be called after the last byte at the latest. An
  /// error: what was read is worthless.
  [[nodiscard]] virtual core::Result<bool> has_changed() = 0;
};

}  // namespace cairn::repo::ops
