#include "ops/block_filler.h"

namespace cairn::repo::ops {

BlockFiller::BlockFiller(ChunkStore& store, int compression_level)
    : store_(store), compression_level_(compression_level) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].block_class = static_cast<BlockClass>(i);
  }
}

OpenBlock* BlockFiller::add(BlockClass block_class, const ChunkId& id, core::ByteView chunk) {
  OpenBlock& block = blocks_[static_cast<std::size_t>(block_class)];
  block.add(id, chunk);
  return block.is_full() ? &block : nullptr;
}

core::Status BlockFiller::store(OpenBlock& block) {
  if (block.chunks.empty()) {
    return {};
  }
  auto& compressor = compressors_[static_cast<std::size_t>(block.block_class)];
  if (!compressor) {
    compressor.emplace(compression_level_, block_target_bytes(block.block_class));
  }
  return store_.store(block, *compressor);
}

core::Status BlockFiller::flush() {
  for (OpenBlock& block : blocks_) {
    CAIRN_TRY_STATUS(store(block));
  }
  return {};
}

}  // namespace cairn::repo::ops
