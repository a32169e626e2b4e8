#pragma once

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/find.h"
#include "ops/standing_marks.h"
#include "ops/state.h"

/// All snapshots at once, with what was said of them since they were made.
namespace cairn::repo::ops {

struct SnapshotList {
  std::vector<ListedSnapshot> snapshots;  ///< that can be read; oldest first by start, then id
  std::map<SnapshotId, core::Hash256> link_hashes;  ///< of these
  std::map<SnapshotId, core::Error> unreadable;
  std::set<SnapshotId> forgotten;
  /// What is wrong with tombstones that do not count, since anybody may have put them there.
  std::vector<std::string> void_tombstones;
  StandingMarks marks;

  /// Tells what cannot be read.
  void warn(Observer& observer) const;
};

/// Reads registers, tombstones and marks. Errors: not_permitted, io.
[[nodiscard]] core::Result<SnapshotList> read_snapshots(State& state);

/// The one that a name means, as find_snapshot() says. Errors: as there.
[[nodiscard]] core::Result<const ListedSnapshot*> find_in(
    const std::vector<ListedSnapshot>& snapshots, std::string_view name);

/// Takes away what does not pass, as select_snapshots() says. Errors: as there.
core::Status keep_matching(std::vector<ListedSnapshot>& snapshots, const SnapshotFilter& filter);

/// What was saved before a restore: "latest" passes over it.
[[nodiscard]] bool is_restore_point(const ListedSnapshot& snapshot) noexcept;

}  // namespace cairn::repo::ops
