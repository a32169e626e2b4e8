#pragma once

#include <array>
#include <optional>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/open_block.h"
#include "store/packs/block_sealer.h"

namespace cairn::repo::ops {

/// Threads that may be idle, each with a BlockWriter of its own.
class IdleWriters {
 public:
  virtual ~IdleWriters() = default;
  /// True if one of them takes a full block over (moved from), for BlockWriter::write_given().
  [[nodiscard]] virtual bool take_over(OpenBlock& block) = 0;
};

/// One thread's way from chunks to packs: one open block of each class, and what compresses and
/// seals them. Not thread-safe. Memory: block_target_bytes() for each class in use, a compression
/// context for each, and the compressed form of the largest block.
class BlockWriter {
 public:
  /// Both must outlive it. nullptr: it always writes its blocks itself.
  explicit BlockWriter(ChunkStore& store, IdleWriters* others = nullptr);

  /// Adds a claimed chunk. A block that is full then goes to the packer, unless an idle thread
  /// takes it over. Errors: the store's.
  core::Status add(BlockClass block_class, const ChunkId& id, core::ByteView chunk);
  /// Writes a block that another thread has filled.
  core::Status write_given(OpenBlock block);
  /// Writes what is left.
  core::Status flush();

 private:
  /// Compresses and seals it and passes it to the packer; the block is then empty and keeps its
  /// memory.
  core::Status write(OpenBlock& block);
  core::Result<store::SealedBlock> seal(format::BlockKind kind, format::BlockRecord record,
                                        core::ByteView payload);

  ChunkStore& store_;
  IdleWriters* others_;
  std::array<OpenBlock, kBlockClassCount> blocks_;
  std::array<std::optional<core::Compressor>, kBlockClassCount> compressors_;
  std::array<store::BlockSealer, 2> sealers_;  ///< of data, of metadata
  core::Bytes compressed_;
};

}  // namespace cairn::repo::ops
