#pragma once

#include <cstdint>
#include <limits>
#include <stop_token>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// Freeing the space of what no snapshot needs any more.
namespace cairn::repo {

struct PruneOptions {
  /// Unneeded bytes may stay up to this part of the bytes that snapshots need. Packs that hold both
  /// are rewritten, those with the most waste first, until no more than that is left. 0: all are
  /// freed.
  double max_unused = 0.01;
  /// Packs are rewritten as long as their sizes add up to no more than this.
  std::uint64_t max_repack_bytes = std::numeric_limits<std::uint64_t>::max();
  /// Merges small packs even if there are few of them.
  bool repack_small = false;
  /// Counts and plans, writes and deletes nothing.
  bool dry_run = false;
  /// Plans as if these had been forgotten already. Only in a dry run.
  std::vector<SnapshotId> as_if_forgotten = {};
  /// A backup that shows no sign of life for so long is given up; if it is alive after all, it
  /// starts again by itself. Measured on this machine's own clock. Backups of this machine whose
  /// process has ended are given up at once.
  std::uint64_t stale_after_seconds = 600;
  int compression_level = 3;  ///< of what is put into new blocks
  unsigned workers = 0;       ///< threads that rewrite packs; 0: as many as processors
  std::stop_token stop = {};
};

/// Packs by what happens to them, and bytes as stored.
struct PruneCount {
  std::uint64_t packs = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const PruneCount&, const PruneCount&) = default;
};

struct PruneReport {
  std::uint64_t snapshots = 0;  ///< that exist
  PruneCount before;            ///< all packs
  std::uint64_t used_bytes = 0;
  std::uint64_t unused_bytes = 0;  ///< of chunks that no snapshot needs, or that are stored twice

  // The plan.
  PruneCount to_remove;  ///< nothing in them is needed
  PruneCount to_repack;  ///< what is needed in them is copied
  std::uint64_t repack_used_bytes = 0;
  std::uint64_t unused_left_bytes = 0;  ///< stays, within max_unused

  // What was done; nothing in a dry run.
  PruneCount removed;
  PruneCount kept;     ///< condemned, then needed by a backup that was under way
  PruneCount written;  ///< new packs
  std::uint64_t index_segments_written = 0;
  std::uint64_t index_segments_removed = 0;
  std::uint64_t snapshots_removed = 0;  ///< objects of forgotten snapshots
  std::uint64_t sessions_given_up = 0;  ///< that had shown no sign of life
  std::uint64_t leftovers_removed = 0;  ///< of interrupted runs: announcements, unfinished files
  bool stopped_for_space = false;       ///< the storage was full: some packs were not rewritten
};

/// Finds what the snapshots reach, rewrites packs that hold little of it, and deletes what is not
/// needed. Backups and other prunes may run at the same time: docs/design/0009-collection.md. Waits
/// for backups that were running when it began to delete. It can be interrupted anywhere without
/// harm, and the next prune goes on.
///
/// Refuses (corrupt) to delete anything while it cannot tell what is needed: a snapshot or a node
/// that cannot be read, or chunks that no pack holds.
///
/// Memory: 16 bytes for each needed chunk, 60 for each node, 150 for each pack, and what a backup
/// needs to write. Errors: not_permitted (roles admin and maintain may), corrupt, interrupted,
/// no_space, io.
[[nodiscard]] core::Result<PruneReport> prune(Repository& repository, const PruneOptions& options,
                                              Observer& observer);

}  // namespace cairn::repo
