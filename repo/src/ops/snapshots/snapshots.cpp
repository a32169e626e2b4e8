#include "cairn/repo/snapshots.h"

#include <limits>
#include <tuple>
#include <utility>

#include "ops/snapshots/snapshot_choice.h"
#include "ops/snapshots/snapshot_list.h"

namespace cairn::repo {

bool is_older(const ListedSnapshot& a, const ListedSnapshot& b) noexcept {
  return std::tie(a.snapshot.start, a.chain, a.sequence, a.id) <
         std::tie(b.snapshot.start, b.chain, b.sequence, b.id);
}

bool is_in_future(const Snapshot& snapshot, core::Timestamp now) noexcept {
  if (now.seconds > std::numeric_limits<std::int64_t>::max() - kClockToleranceSeconds) {
    return false;
  }
  return snapshot.start > core::Timestamp{now.seconds + kClockToleranceSeconds, now.nanoseconds};
}

bool SnapshotFilter::is_empty() const {
  return names.empty() && tag_lists.empty() && hosts.empty() && sets.empty() && paths.empty() &&
         types.empty();
}

core::Result<SelectedSnapshots> select_snapshots(Repository& repository,
                                                 const SnapshotFilter& filter, Observer& observer) {
  CAIRN_TRY(ops::SnapshotList list, ops::read_snapshots(ops::opened(repository)));
  list.warn(observer);
  CAIRN_TRY_STATUS(ops::keep_matching(list, filter, observer));
  SelectedSnapshots selected{.snapshots = std::move(list.snapshots), .unreadable = {}};
  if (filter.names.empty()) {
    for (const auto& [id, error] : list.unreadable) {
      selected.unreadable.push_back({id, error.message()});
    }
  }
  return selected;
}

core::Result<std::vector<ListedSnapshot>> list_snapshots(Repository& repository,
                                                         Observer& observer) {
  CAIRN_TRY(SelectedSnapshots selected, select_snapshots(repository, {}, observer));
  return std::move(selected.snapshots);
}

core::Result<ListedSnapshot> find_snapshot(Repository& repository, std::string_view name,
                                           Observer& observer, const SnapshotFilter& filter) {
  CAIRN_TRY(const ops::SnapshotList list, ops::read_snapshots(ops::opened(repository)));
  list.warn(observer);
  CAIRN_TRY(const ListedSnapshot* const found, ops::find_in(list, name, filter, observer));
  return *found;
}

core::Result<ListedSnapshot> find_snapshot_at(Repository& repository, core::Timestamp when,
                                              Observer& observer, const SnapshotFilter& filter) {
  const ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY(const ops::SnapshotList list, ops::read_snapshots(open));
  list.warn(observer);
  CAIRN_TRY(const ListedSnapshot* const found,
            ops::find_in_at(list, when, open.environment.clock.utc_offset_minutes(when), filter,
                            observer));
  return *found;
}

}  // namespace cairn::repo
