#pragma once

#include <mutex>

#include "ops/tree/node_builder.h"
#include "ops/writing/block_writer.h"
#include "ops/writing/chunk_store.h"
#include "store/objects/key_ring.h"

namespace cairn::repo::ops {

/// Stores nodes through one shared block. Thread-safe.
class StoredNodes final : public NodeSink {
 public:
  StoredNodes(ChunkStore& store, const store::KeyRing& keys);
  [[nodiscard]] core::Result<ChunkId> put_node(core::ByteView encoded) override;
  /// Writes the last, partly filled block.
  core::Status flush();

 private:
  ChunkStore& store_;
  const store::KeyRing& keys_;
  std::mutex mutex_;
  BlockWriter blocks_;
};

}  // namespace cairn::repo::ops
