#include "ops/source/stream_bytes.h"

#include "cairn/repo/entry.h"

namespace cairn::repo::ops {

core::Result<std::optional<ByteSource::Extent>> StreamBytes::next_extent(std::uint64_t offset) {
  return Extent{.offset = offset, .length_bytes = kFileSizeMax, .is_hole = false};
}

core::Result<std::size_t> StreamBytes::read_at(std::uint64_t offset, core::MutableByteView out) {
  if (offset >= kFileSizeMax) {
    return core::fail(core::ErrorCode::limit_exceeded, stream_.path + ": longer than any file");
  }
  return stream_.read(out);
}

core::Result<bool> StreamBytes::has_changed() {
  CAIRN_TRY_STATUS(stream_.finish());
  return false;
}

}  // namespace cairn::repo::ops
