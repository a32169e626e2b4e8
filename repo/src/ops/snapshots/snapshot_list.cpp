#include "ops/snapshots/snapshot_list.h"

#include <algorithm>
#include <utility>

#include "ops/repository/access.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {
namespace {

using core::ErrorCode;

/// A backup client can put any object anywhere: a tombstone counts only if a role that may has
/// signed it. Takes it off the list otherwise.
core::Result<bool> check_tombstone(const OpenRepository& repository, const SnapshotId& id,
                                   SnapshotList& list) {
  if (!list.forgotten.contains(id)) {
    return false;
  }
  const auto tombstone = store::get_tombstone(*repository.backend, *repository.keys, id);
  if (tombstone || tombstone.error().code() == ErrorCode::unsupported_version) {
    return true;
  }
  if (tombstone.error().code() != ErrorCode::corrupt &&
      tombstone.error().code() != ErrorCode::limit_exceeded) {
    return core::fail(tombstone.error());
  }
  list.void_tombstones.push_back(tombstone.error().message());
  list.forgotten.erase(id);
  return false;
}

}  // namespace

void SnapshotList::warn(Observer& observer) const {
  for (const auto& [id, error] : unreadable) {
    observer.warning(error.message());
  }
  for (const auto* const damage : {&void_tombstones, &marks.damage}) {
    for (const std::string& message : *damage) {
      observer.warning(message);
    }
  }
}

core::Result<SnapshotList> read_snapshots(const OpenRepository& repository) {
  CAIRN_TRY_STATUS(require_metadata_key(repository));
  SnapshotList list;
  list.now = repository.environment.clock.now();
  CAIRN_TRY(const auto forgotten,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::forgotten));
  list.forgotten.insert(forgotten.begin(), forgotten.end());
  CAIRN_TRY(const auto ids,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::snapshot));
  CAIRN_TRY(list.marks, read_marks(repository));
  for (const SnapshotId& id : ids) {
    CAIRN_TRY(const bool is_forgotten, check_tombstone(repository, id, list));
    if (is_forgotten) {
      continue;
    }
    auto record = store::get_register(*repository.backend, *repository.keys, id);
    if (!record) {
      if (record.error().code() != ErrorCode::not_found) {
        list.unreadable.emplace(id, std::move(record).error());
      }
      continue;
    }
    if (record->link.type == format::RegisterType::snapshot && record->snapshot) {
      ListedSnapshot listed{.id = id,
                            .chain = record->link.chain,
                            .sequence = record->link.sequence,
                            .snapshot = std::move(*record->snapshot)};
      list.marks.apply_to(listed);
      list.link_hashes.emplace(id, record->link_hash);
      list.successors.emplace(record->link.previous, id);
      if (record->link.sequence > 1) {
        list.missed.insert(record->link.previous);
      }
      list.snapshots.push_back(std::move(listed));
    }
  }
  std::erase_if(list.missed, [&](const SnapshotId& id) {
    return list.forgotten.contains(id) || std::ranges::binary_search(ids, id);
  });
  std::ranges::sort(list.snapshots, is_older);
  return list;
}

bool is_restore_point(const ListedSnapshot& snapshot) noexcept {
  return snapshot.snapshot.type == SnapshotType::restore_point;
}

}  // namespace cairn::repo::ops
