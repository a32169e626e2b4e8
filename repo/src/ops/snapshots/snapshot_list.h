#pragma once

#include <map>
#include <set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshots.h"
#include "ops/repository/open_repository.h"
#include "ops/snapshots/standing_marks.h"

/// All snapshots at once, with what was said about them after they were made.
namespace cairn::repo::ops {

struct SnapshotList {
  core::Timestamp now;  ///< by our clock, before they were read
  std::vector<ListedSnapshot>
      snapshots;  ///< those that can be read; oldest first, as is_older() says
  std::map<SnapshotId, core::Hash256> link_hashes;  ///< of these
  /// For a snapshot, the one that follows it in its client's chain.
  std::map<SnapshotId, SnapshotId> successors;
  std::map<SnapshotId, core::Error> unreadable;
  std::set<SnapshotId> forgotten;
  /// Snapshots that are gone without having been forgotten, though readable ones were made after
  /// them.
  std::set<SnapshotId> missed;
  /// What is wrong with tombstones that do not count, which anybody may have put there.
  std::vector<std::string> void_tombstones;
  StandingMarks marks;

  /// Reports what cannot be read.
  void warn(Observer& observer) const;
};

/// Reads registers, tombstones and marks. Errors: not_permitted, io.
[[nodiscard]] core::Result<SnapshotList> read_snapshots(const OpenRepository& repository);

/// Saved before a restore: "latest" skips it.
[[nodiscard]] bool is_restore_point(const ListedSnapshot& snapshot) noexcept;

}  // namespace cairn::repo::ops
