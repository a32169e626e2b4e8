#pragma once

#include <map>
#include <set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshots.h"
#include "ops/repository/open_repository.h"
#include "ops/snapshots/standing_marks.h"

/// All snapshots at once, with what was said of them since they were made.
namespace cairn::repo::ops {

struct SnapshotList {
  core::Timestamp now;                    ///< by our clock, before they were read
  std::vector<ListedSnapshot> snapshots;  ///< that can be read; oldest first, as is_older() says
  std::map<SnapshotId, core::Hash256> link_hashes;  ///< of these
  /// Which of these comes after a snapshot in its client's chain.
  std::map<SnapshotId, SnapshotId> successors;
  std::map<SnapshotId, core::Error> unreadable;
  std::set<SnapshotId> forgotten;
  /// Gone without having been forgotten: those that can be read were made after them.
  std::set<SnapshotId> missed;
  /// What is wrong with tombstones that do not count, since anybody may have put them there.
  std::vector<std::string> void_tombstones;
  StandingMarks marks;

  /// Tells what cannot be read.
  void warn(Observer& observer) const;
};

/// Reads registers, tombstones and marks. Errors: not_permitted, io.
[[nodiscard]] core::Result<SnapshotList> read_snapshots(const OpenRepository& repository);

/// What was saved before a restore: "latest" passes over it.
[[nodiscard]] bool is_restore_point(const ListedSnapshot& snapshot) noexcept;

}  // namespace cairn::repo::ops
