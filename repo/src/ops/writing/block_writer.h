#pragma once

#include <array>
#include <optional>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/open_block.h"
#include "store/packs/block_sealer.h"

namespace cairn::repo::ops {

/// Those who may have nothing to do, each with a BlockWriter of its own.
class IdleWriters {
 public:
  virtual ~IdleWriters() = default;
  /// True: one of them takes a full block over (moved from), for BlockWriter::write_given().
  [[nodiscard]] virtual bool take_over(OpenBlock& block) = 0;
};

/// One thread's way from chunks to packs: open blocks, one of each class, and what compresses and
/// seals them. Not thread-safe. Memory: block_target_bytes() of each class that chunks come in, a
/// compression context for each, and what the largest block was compressed to.
class BlockWriter {
 public:
  /// Both must outlive it. nullptr: it writes all its blocks itself.
  explicit BlockWriter(ChunkStore& store, IdleWriters* others = nullptr);

  /// Adds a chunk that was claimed. A block that is full then goes to the packer, if nobody with
  /// nothing to do takes it over. Errors: the store's.
  core::Status add(BlockClass block_class, const ChunkId& id, core::ByteView chunk);
  /// Writes a block that another one has filled.
  core::Status write_given(OpenBlock block);
  /// Writes what is left.
  core::Status flush();

 private:
  /// Compresses, seals, and hands to the packer; the block is empty afterwards and keeps its
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
