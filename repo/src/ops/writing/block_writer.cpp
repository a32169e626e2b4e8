#include "ops/writing/block_writer.h"

#include <gsl/gsl>
#include <utility>

#include "cairn/core/crypto.h"

namespace cairn::repo::ops {

BlockWriter::BlockWriter(ChunkStore& store, IdleWriters* others)
    : store_(store),
      others_(others),
      sealers_{store.make_sealer(format::BlockKind::data),
               store.make_sealer(format::BlockKind::metadata)} {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].block_class = static_cast<BlockClass>(i);
  }
}

core::Status BlockWriter::add(BlockClass block_class, const ChunkId& id, core::ByteView chunk) {
  OpenBlock& block = blocks_[static_cast<std::size_t>(block_class)];
  const auto group = [&] { block.add(id, chunk); };
  if (block_kind(block_class) == format::BlockKind::data) {
    measure(store_.options().times, Stage::group, chunk.size(), group);
  } else {
    group();
  }
  if (!block.is_full()) {
    return {};
  }
  if (others_ != nullptr && others_->take_over(block)) {
    block = store_.buffers().take_open(block_class);
    return {};
  }
  return write(block);
}

core::Status BlockWriter::write_given(OpenBlock block) {
  CAIRN_TRY_STATUS(write(block));
  store_.buffers().give_back(std::move(block));
  return {};
}

core::Status BlockWriter::flush() {
  for (OpenBlock& block : blocks_) {
    CAIRN_TRY_STATUS(write(block));
  }
  return {};
}

core::Status BlockWriter::write(OpenBlock& block) {
  if (block.chunks.empty()) {
    return {};
  }
  CAIRN_TRY_STATUS(store_.check());
  auto& compressor = compressors_[static_cast<std::size_t>(block.block_class)];
  if (!compressor) {
    compressor.emplace(store_.options().compression_level, block_target_bytes(block.block_class));
  }
  const bool is_smaller = measure(store_.options().times, Stage::compress, block.plain.size(),
                                  [&] { return compressor->compress(block.plain, compressed_); });
  format::BlockRecord record;
  record.plain_bytes = gsl::narrow_cast<std::uint32_t>(block.plain.size());
  record.codec = is_smaller ? format::BlockCodec::zstd : format::BlockCodec::raw;
  record.chunks = std::exchange(block.chunks, {});
  CAIRN_TRY(store::SealedBlock sealed, seal(block_kind(block.block_class), std::move(record),
                                            is_smaller ? compressed_ : block.plain));
  block.follows_raw = !is_smaller;
  block.plain.clear();
  return store_.packer().put(std::move(sealed));
}

core::Result<store::SealedBlock> BlockWriter::seal(format::BlockKind kind,
                                                   format::BlockRecord record,
                                                   core::ByteView payload) {
  core::Bytes memory = store_.buffers().take_sealed();
  if (store_.options().dry_run) {
    memory.clear();
    memory.resize(payload.size() + core::kAeadTagBytes);
    return store::SealedBlock{
        .kind = kind, .record = std::move(record), .key = {}, .bytes = std::move(memory)};
  }
  return measure(store_.options().times, Stage::seal, payload.size(), [&] {
    return sealers_[kind == format::BlockKind::data ? 0 : 1].seal(std::move(record), payload,
                                                                  std::move(memory));
  });
}

}  // namespace cairn::repo::ops
