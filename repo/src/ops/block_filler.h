#pragma once

#include <array>
#include <optional>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "ops/chunk_store.h"
#include "ops/open_block.h"

namespace cairn::repo::ops {

/// One thread's open blocks, one of each class, and what compresses them. Not thread-safe.
/// Memory: block_target_bytes() of each class that chunks come in, as much again while a block is
/// compressed, and a compression context for each.
class BlockFiller {
 public:
  /// `store` must outlive it.
  BlockFiller(ChunkStore& store, int compression_level);

  /// Appends a chunk that the store has asked for. Answers its block if that is full now: give it
  /// to store() before the next chunk of its class, or take its contents away.
  [[nodiscard]] OpenBlock* add(BlockClass block_class, const ChunkId& id, core::ByteView chunk);

  /// Compresses and hands over a block of any filler; it is empty afterwards. Errors: the store's.
  core::Status store(OpenBlock& block);

  /// Hands over what is left.
  core::Status flush();

 private:
  ChunkStore& store_;
  const int compression_level_;
  std::array<OpenBlock, kBlockClassCount> blocks_;
  std::array<std::optional<core::Compressor>, kBlockClassCount> compressors_;
};

}  // namespace cairn::repo::ops
