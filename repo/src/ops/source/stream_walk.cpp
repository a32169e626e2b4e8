#include "ops/source/stream_walk.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "ops/posix/owner_names.h"

namespace cairn::repo::ops {
namespace {

/// Read once, from the first byte to the last.
class StreamBytes final : public ByteSource {
 public:
  explicit StreamBytes(const StreamSource& stream) noexcept : stream_(stream) {}

  [[nodiscard]] std::uint64_t size_bytes() const noexcept override { return 0; }

  [[nodiscard]] core::Result<std::optional<Extent>> next_extent(std::uint64_t offset) override {
    return Extent{.offset = offset, .length_bytes = kFileSizeMax};
  }

  [[nodiscard]] core::Result<std::size_t> read_at(std::uint64_t offset,
                                                  core::MutableByteView out) override {
    if (offset >= kFileSizeMax) {
      return core::fail(core::ErrorCode::limit_exceeded, stream_.path + ": longer than any file");
    }
    CAIRN_TRY(const std::size_t got, stream_.read(out));
    if (got > out.size()) {
      return core::fail(core::ErrorCode::invalid_argument,
                        fmt::format("read {}: {} bytes came where {} were asked for", stream_.path,
                                    got, out.size()));
    }
    return got;
  }

  /// The program that wrote it may have failed.
  [[nodiscard]] core::Result<bool> has_changed() override {
    CAIRN_TRY_STATUS(stream_.finish());
    return false;
  }

 private:
  const StreamSource& stream_;
};

}  // namespace

core::Result<std::optional<WalkStep>> StreamWalk::next() {
  const StreamSource* const stream = std::exchange(stream_, nullptr);
  if (stream == nullptr) {
    return std::nullopt;
  }
  MetObject object;
  object.item.path = stream->path;
  Entry& entry = object.item.entry;
  entry.mode = 0600;
  entry.owner.uid = stream->uid;
  entry.owner.gid = stream->gid;
  OwnerNames().fill(entry.owner);
  entry.mtime = clock_.now();
  object.bytes = std::make_shared<StreamBytes>(*stream);
  return WalkStep(std::move(object));
}

}  // namespace cairn::repo::ops
