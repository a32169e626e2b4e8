#include "ops/snapshots/earlier_snapshots.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/snapshots/chain.h"
#include "ops/snapshots/snapshot_choice.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {
namespace {

bool has_same_paths(const Snapshot& a, const Snapshot& b) {
  return std::ranges::equal(a.sources, b.sources, {}, &Source::path, &Source::path);
}

bool has_same_trees(const Snapshot& a, const Snapshot& b) {
  return std::ranges::equal(a.sources, b.sources, {}, &Source::root, &Source::root);
}

}  // namespace

core::Result<std::optional<SnapshotId>> equal_snapshot(const OpenRepository& repository,
                                                       const Snapshot& made) {
  CAIRN_TRY(const SnapshotList list, read_snapshots(repository));
  if (made.partial || !list.unreadable.empty()) {
    return std::optional<SnapshotId>();
  }
  const SnapshotFilter filter{.hosts = {made.host}, .sets = {made.set}};
  const ListedSnapshot* newest = nullptr;
  for (const ListedSnapshot& listed : list.snapshots) {
    if (passes(filter, listed) && may_be_latest(filter, listed, list.now) &&
        has_same_paths(listed.snapshot, made)) {
      newest = &listed;
    }
  }
  const bool says_it_all = newest != nullptr && newest->snapshot.type == made.type &&
                           has_same_trees(newest->snapshot, made) &&
                           std::ranges::includes(newest->snapshot.tags, made.tags);
  return says_it_all ? std::optional(newest->id) : std::nullopt;
}

void warn_of_future(CatalogueView view, Observer& observer) {
  const auto head = chain_head(view);
  if (!head || !*head) {
    return;
  }
  const auto record =
      store::get_register(*view.repository.backend, *view.repository.keys, (*head)->last);
  if (!record || !record->snapshot) {
    return;
  }
  const Snapshot& snapshot = *record->snapshot;
  if (is_in_future(snapshot, view.repository.environment.clock.now())) {
    observer.warning(
        fmt::format("the last snapshot from here, {}, is dated {}, in the future: the clock was "
                    "wrong then, or is now. Latest and policies pass over it",
                    (*head)->last.short_hex(),
                    core::format_rfc3339(snapshot.start, snapshot.utc_offset_minutes)));
  }
}

}  // namespace cairn::repo::ops
