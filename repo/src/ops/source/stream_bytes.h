#pragma once

#include "cairn/repo/backup.h"
#include "ops/source/byte_source.h"

namespace cairn::repo::ops {

/// What a stream gives, from its first byte to its last.
class StreamBytes final : public ByteSource {
 public:
  /// `stream` must outlive it.
  explicit StreamBytes(const StreamSource& stream) noexcept : stream_(stream) {}

  [[nodiscard]] std::uint64_t size_bytes() const noexcept override { return 0; }
  [[nodiscard]] core::Result<std::optional<Extent>> next_extent(std::uint64_t offset) override;
  [[nodiscard]] core::Result<std::size_t> read_at(std::uint64_t offset,
                                                  core::MutableByteView out) override;
  /// Ask once, after the last byte: the program that wrote it may have failed.
  [[nodiscard]] core::Result<bool> has_changed() override;

 private:
  const StreamSource& stream_;
};

}  // namespace cairn::repo::ops
