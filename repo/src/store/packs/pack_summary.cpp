#include "store/packs/pack_summary.h"

namespace cairn::repo::store {

PackSummary summary_of(const format::IndexedPack& pack, PackNumber number) {
  PackSummary summary;
  summary.number = number;
  summary.id = pack.id;
  summary.size_bytes = pack.size_bytes;
  summary.kind = pack.directory.kind;
  summary.keys = pack.directory.keys;
  std::uint64_t offset = format::kPackHeaderBytes;
  for (const format::BlockRecord& record : pack.directory.blocks) {
    PackSummary::Block& block = summary.blocks.emplace_back();
    block.offset_bytes = offset;
    block.record.stored_bytes = record.stored_bytes;
    block.record.plain_bytes = record.plain_bytes;
    block.record.codec = record.codec;
    block.record.key = record.key;
    block.record.key_block = record.key_block;
    offset += record.stored_bytes;
  }
  return summary;
}

}  // namespace cairn::repo::store
