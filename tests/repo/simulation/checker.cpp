#include "checker.h"

#include <fmt/format.h>

#include "ops/tree/node_references.h"
#include "store/objects/records.h"
#include "store/packs/pack_reader.h"

namespace cairn::test {

using repo::format::ObjectKind;
using repo::store::ObjectName;

Checker::Checker(MemBackend& storage, const repo::store::KeyRing& keys)
    : storage_(storage),
      keys_(keys),
      blocks_(storage, keys),
      catalogue_(std::make_shared<MemTables>(), std::make_shared<MemNotes>()),
      chunks_(blocks_, catalogue_, keys) {}

void Checker::published(const ObjectName& name) {
  const std::scoped_lock lock(mutex_);
  if (name.kind == ObjectKind::pack) {
    take_pack(repo::PackId::from(name.id.view()));
  } else if (name.kind == ObjectKind::snapshot) {
    take_register(repo::SnapshotId::from(name.id.view()));
  } else if (name.kind == ObjectKind::forgotten) {
    forgotten_.insert(repo::SnapshotId::from(name.id.view()));
  }
}

void Checker::take_pack(const repo::PackId& id) {
  auto description = repo::store::read_pack_description(storage_, keys_, id);
  if (!description) {
    complain(fmt::format("pack {} was published and cannot be read", id.short_hex()));
    return;
  }
  repo::format::IndexSegment segment;
  segment.packs.push_back({id, description->size_bytes, description->directory});
  if (!catalogue_.ingest(repo::IndexSegmentId::from(id.view()), segment)) {
    complain("the checker's catalogue refused a pack");
  }
  std::vector<repo::ChunkId>& chunks = packs_[id];
  for (const auto& block : description->directory.blocks) {
    for (const auto& chunk : block.chunks) {
      chunks.push_back(chunk.id);
      copies_[chunk.id] += 1;
    }
  }
}

core::Status Checker::reach(const repo::Snapshot& snapshot, std::set<repo::ChunkId>& chunks) {
  std::vector<repo::ChunkId> pending;
  const auto take = [&](const repo::ops::NodeReferences& references) {
    for (const auto& piece : references.pieces) {
      chunks.insert(*piece.chunk);
    }
    for (const repo::ChunkId& node : references.nodes) {
      if (chunks.insert(node).second) {
        pending.push_back(node);
      }
    }
  };
  for (const repo::Source& source : snapshot.sources) {
    take(repo::ops::references_of(source));
    while (!pending.empty()) {
      const repo::ChunkId id = pending.back();
      pending.pop_back();
      CAIRN_TRY(const core::Bytes node, chunks_.get(id, repo::format::BlockKind::metadata));
      CAIRN_TRY(const auto references, repo::ops::references_of(node));
      take(references);
    }
  }
  return {};
}

void Checker::take_register(const repo::SnapshotId& id) {
  const auto record = repo::store::get_register(storage_, keys_, id);
  if (!record) {
    complain(fmt::format("register {} cannot be read", id.short_hex()));
    return;
  }
  if (!record->snapshot) {
    fences_ += 1;
    return;
  }
  std::set<repo::ChunkId>& chunks = snapshots_[id];
  if (const auto reached = reach(*record->snapshot, chunks); !reached) {
    complain(fmt::format("snapshot {} was committed and cannot be read: {}", id.short_hex(),
                         reached.error().message()));
    return;
  }
  for (const repo::ChunkId& chunk : chunks) {
    if (copies_[chunk] == 0) {
      complain(fmt::format("snapshot {} was committed without chunk {}", id.short_hex(),
                           chunk.short_hex()));
    }
  }
}

void Checker::removed(const ObjectName& name) {
  const std::scoped_lock lock(mutex_);
  if (name.kind == ObjectKind::snapshot) {
    const auto id = repo::SnapshotId::from(name.id.view());
    if (!forgotten_.contains(id)) {
      complain(fmt::format("register {} was removed without a tombstone", id.short_hex()));
    }
    snapshots_.erase(id);
    return;
  }
  if (name.kind != ObjectKind::pack) {
    return;
  }
  const auto id = repo::PackId::from(name.id.view());
  for (const repo::ChunkId& chunk : packs_[id]) {
    if (--copies_[chunk] > 0) {
      continue;
    }
    for (const auto& [snapshot, needed] : snapshots_) {
      if (!forgotten_.contains(snapshot) && needed.contains(chunk)) {
        complain(
            fmt::format("pack {} was removed with the last copy of chunk {}, which snapshot {} "
                        "needs",
                        id.short_hex(), chunk.short_hex(), snapshot.short_hex()));
      }
    }
  }
  packs_.erase(id);
  std::vector<repo::IndexSegmentId> left;
  for (const auto& [pack, chunks] : packs_) {
    left.push_back(repo::IndexSegmentId::from(pack.view()));
  }
  if (!catalogue_.retain(left)) {
    complain("the checker's catalogue refused to forget");
  }
}

std::vector<repo::SnapshotId> Checker::standing() const {
  const std::scoped_lock lock(mutex_);
  std::vector<repo::SnapshotId> ids;
  for (const auto& [id, chunks] : snapshots_) {
    if (!forgotten_.contains(id)) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace cairn::test
