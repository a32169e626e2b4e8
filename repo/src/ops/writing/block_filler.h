#pragma once

#include <array>
#include <optional>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/open_block.h"
#include "store/packs/block_sealer.h"

namespace cairn::repo::ops {

/// One thread's open blocks, one of each class, and what compresses and seals them. Not
/// thread-safe. Memory: block_target_bytes() of each class that chunks come in, a compression
/// context for each, and what the largest block was compressed to.
class BlockFiller {
 public:
  /// `store` must outlive it.
  explicit BlockFiller(ChunkStore& store);

  /// Appends a chunk that the store has asked for. Answers its block if that is full now: give it
  /// to store() before the next chunk of its class, or take its contents away.
  [[nodiscard]] OpenBlock* add(BlockClass block_class, const ChunkId& id, core::ByteView chunk);

  /// Compresses, seals and hands over a block of any filler; it is empty afterwards and keeps its
  /// memory. Errors: the store's.
  core::Status store(OpenBlock& block);

  /// Hands over what is left.
  core::Status flush();

 private:
  core::Result<store::SealedBlock> seal(BlockClass block_class, format::BlockRecord record,
                                        core::ByteView payload);

  ChunkStore& store_;
  std::array<OpenBlock, kBlockClassCount> blocks_;
  std::array<std::optional<core::Compressor>, kBlockClassCount> compressors_;
  std::array<store::BlockSealer, 2> sealers_;  ///< of data, of metadata
  core::Bytes compressed_;
};

}  // namespace cairn::repo::ops
