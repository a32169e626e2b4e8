#include "ops/writing/block_filler.h"

#include <gsl/gsl>
#include <utility>

#include "cairn/core/crypto.h"

namespace cairn::repo::ops {

BlockFiller::BlockFiller(ChunkStore& store)
    : store_(store),
      sealers_{store.make_sealer(format::BlockKind::data),
               store.make_sealer(format::BlockKind::metadata)} {
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
  CAIRN_TRY_STATUS(store_.check());
  auto& compressor = compressors_[static_cast<std::size_t>(block.block_class)];
  if (!compressor) {
    compressor.emplace(store_.options().compression_level, block_target_bytes(block.block_class));
  }
  const bool is_smaller = store_.options().times.measure(Stage::compress, block.plain.size(), [&] {
    return compressor->compress(block.plain, compressed_);
  });
  format::BlockRecord record;
  record.plain_bytes = gsl::narrow_cast<std::uint32_t>(block.plain.size());
  record.codec = is_smaller ? format::BlockCodec::zstd : format::BlockCodec::raw;
  record.chunks = std::exchange(block.chunks, {});
  CAIRN_TRY(store::SealedBlock sealed,
            seal(block.block_class, std::move(record), is_smaller ? compressed_ : block.plain));
  block.follows_raw = !is_smaller;
  block.plain.clear();
  return store_.put(std::move(sealed));
}

core::Result<store::SealedBlock> BlockFiller::seal(BlockClass block_class,
                                                   format::BlockRecord record,
                                                   core::ByteView payload) {
  const auto kind = block_kind(block_class);
  if (store_.options().dry_run) {
    return store::SealedBlock{.kind = kind,
                              .record = std::move(record),
                              .key = {},
                              .bytes = core::Bytes(payload.size() + core::kAeadTagBytes)};
  }
  return store_.options().times.measure(Stage::seal, payload.size(), [&] {
    return sealers_[kind == format::BlockKind::data ? 0 : 1].seal(std::move(record), payload,
                                                                  store_.take_spare());
  });
}

core::Status BlockFiller::flush() {
  for (OpenBlock& block : blocks_) {
    CAIRN_TRY_STATUS(store(block));
  }
  return {};
}

}  // namespace cairn::repo::ops
