#include "ops/writing/claim_table.h"

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kDryRunIdsMax = 1024 * 1024;

}  // namespace

ClaimTable::Shard& ClaimTable::shard(const ChunkId& id) noexcept {
  return shards_[std::to_integer<std::size_t>(id.view()[31]) % kShards];
}

core::Result<bool> ClaimTable::claim(const ChunkId& id) {
  if (rules_.only != nullptr && !rules_.only->contains(id)) {
    return false;
  }
  Shard& mine = shard(id);
  {
    const std::scoped_lock lock(mine.mutex);
    if (mine.ids.contains(id)) {
      return false;
    }
  }
  // The catalogue is searched without the lock. Ids are released only once the catalogue has them,
  // so a chunk stored in between is found here.
  CAIRN_TRY(const auto found, view_.catalogue().find(id, usable_));
  if (found) {
    return false;
  }
  const std::scoped_lock lock(mine.mutex);
  if (rules_.is_dry_run && mine.ids.size() >= kDryRunIdsMax / kShards) {
    mine.ids.clear();
  }
  return mine.ids.insert(id).second;
}

void ClaimTable::release(const format::IndexSegment& ingested) {
  for (const auto& pack : ingested.packs) {
    for (const auto& block : pack.directory.blocks) {
      for (const auto& chunk : block.chunks) {
        Shard& owner = shard(chunk.id);
        const std::scoped_lock lock(owner.mutex);
        owner.ids.erase(chunk.id);
      }
    }
  }
}

}  // namespace cairn::repo::ops
