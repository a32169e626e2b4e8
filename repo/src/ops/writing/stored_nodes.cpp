#include "ops/writing/stored_nodes.h"

namespace cairn::repo::ops {

StoredNodes::StoredNodes(ChunkStore& store, const store::KeyRing& keys)
    : store_(store), keys_(keys), blocks_(store) {}

core::Result<ChunkId> StoredNodes::put_node(core::ByteView encoded) {
  const ChunkId id = keys_.metadata_chunk_id(encoded);
  CAIRN_TRY(const bool is_new, store_.claim(id));
  if (!is_new) {
    return id;
  }
  const std::scoped_lock lock(mutex_);
  CAIRN_TRY_STATUS(blocks_.add(BlockClass::nodes, id, encoded));
  return id;
}

core::Status StoredNodes::flush() {
  const std::scoped_lock lock(mutex_);
  return blocks_.flush();
}

}  // namespace cairn::repo::ops
