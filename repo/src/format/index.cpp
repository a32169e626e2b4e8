#include "format/index.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/fields.h"

namespace cairn::repo::format {
namespace {

/// Id, size and a directory of one key and one block of one chunk.
constexpr std::size_t kIndexedPackBytesMin = 32 + 1 + 1 + 1 + 68 + 1 + 39;

/// Header, blocks, at least the tag of the directory, one segment hash, the footer.
std::uint64_t pack_size_min(const PackDirectory& directory) noexcept {
  std::uint64_t size =
      kPackHeaderBytes + core::kAeadTagBytes + core::Hash256::kSize + kPackFooterFixedBytes;
  for (const BlockRecord& block : directory.blocks) {
    size += block.stored_bytes;
  }
  return size;
}

bool packs_ascend(const std::vector<IndexedPack>& packs) {
  return std::adjacent_find(packs.begin(), packs.end(),
                            [](const IndexedPack& a, const IndexedPack& b) {
                              return a.id >= b.id;
                            }) == packs.end();
}

std::string_view defect_of(const IndexSegment& segment) {
  if (segment.replaces.size() > kIndexReplacesMax || segment.packs.size() > kIndexPacksMax) {
    return "it lists too much";
  }
  if (!ascends_strictly(segment.replaces.begin(), segment.replaces.end())) {
    return "the replaced segments are not in order";
  }
  if (!packs_ascend(segment.packs)) {
    return "the packs are not in order";
  }
  for (const IndexedPack& pack : segment.packs) {
    if (pack.size_bytes < pack_size_min(pack.directory) || pack.size_bytes > kPackBytesMax) {
      return "the size of a pack is out of bounds";
    }
  }
  return {};
}

}  // namespace

core::Result<core::Bytes> encode_index_segment(const IndexSegment& segment) {
  CAIRN_TRY_STATUS(check_encodable("an index segment", defect_of(segment)));
  core::Encoder out;
  out.varint(segment.replaces.size());
  for (const IndexSegmentId& id : segment.replaces) {
    encode_id(out, id);
  }
  out.varint(segment.packs.size());
  for (const IndexedPack& pack : segment.packs) {
    encode_id(out, pack.id);
    out.varint(pack.size_bytes);
    encode_pack_directory(out, pack.directory);
  }
  return std::move(out).take();
}

core::Result<IndexSegment> decode_index_segment(core::ByteView input) {
  core::Decoder in(input, "index segment");
  if (input.size() > kFramePayloadBytesMax) {
    in.fail_limit("it is too long");
  }
  IndexSegment segment;
  segment.replaces.resize(in.count(kIndexReplacesMax, IndexSegmentId::kSize));
  for (IndexSegmentId& id : segment.replaces) {
    id = decode_id<IndexSegmentId>(in);
  }
  if (in.ok() && !ascends_strictly(segment.replaces.begin(), segment.replaces.end())) {
    in.fail_corrupt("the replaced segments are not in order");
  }
  const std::size_t packs = in.count(kIndexPacksMax, kIndexedPackBytesMin);
  segment.packs.reserve(packs);
  for (std::size_t i = 0; i < packs && in.ok(); ++i) {
    IndexedPack pack;
    pack.id = decode_id<PackId>(in);
    pack.size_bytes = in.varint(kPackBytesMax);
    pack.directory = decode_pack_directory(in);
    if (in.ok() && pack.size_bytes < pack_size_min(pack.directory)) {
      in.fail_corrupt(fmt::format("pack {} is smaller than its blocks", pack.id.short_hex()));
    }
    segment.packs.push_back(std::move(pack));
  }
  if (in.ok() && !packs_ascend(segment.packs)) {
    in.fail_corrupt("the packs are not in order");
  }
  CAIRN_TRY_STATUS(in.finish());
  return segment;
}

}  // namespace cairn::repo::format
