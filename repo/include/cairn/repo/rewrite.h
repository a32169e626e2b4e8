#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/find.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/path_filter.h"
#include "cairn/repo/repository.h"

/// Replacing snapshots by others that have less in them. A snapshot is never changed: the new one
/// has an id of its own, and says of itself what the old one said: times, host, user, set, type,
/// tags as they are now, description. Contents are not read, and nothing of them is stored anew.
namespace cairn::repo {

struct RewriteOptions {
  SnapshotFilter filter = {};  ///< which snapshots; empty: all
  /// Forgets what has been replaced. Pinned snapshots stay; their pins are put on the new ones too.
  bool forget = false;
  bool dry_run = false;  ///< says what would become of them, writes nothing
  std::string program_version = {};
  int compression_level = kCompressionDefault;
  std::stop_token stop = {};
};

struct RewrittenSnapshot {
  ListedSnapshot original;
  bool changed = false;                        ///< false: it stays as it is
  bool nothing_left = false;                   ///< no source would be left: it stays as it is
  std::optional<SnapshotId> replacement = {};  ///< nullopt in a dry run, unless it was there
  bool was_there = false;                      ///< rewritten so before
  bool forgotten = false;
  std::uint64_t left_out = 0;        ///< objects, with all that was below them
  std::uint64_t left_out_bytes = 0;  ///< sizes of the files among them
  std::vector<Problem> lost = {};    ///< what a repair found to be gone; the first kProblemsMax
  std::uint64_t lost_count = 0;
};

struct RewriteReport {
  std::vector<RewrittenSnapshot> snapshots;  ///< all that were looked at, oldest first
  std::uint64_t written_bytes = 0;
  std::uint64_t unreadable = 0;  ///< snapshots of which nobody knows whether they were meant
};

/// Leaves out what the filter excludes, by absolute paths as a backup does; sources themselves only
/// by patterns that count from the root, which may also mean folders above them. A hard link whose
/// first name goes becomes a file of its own for the names that stay.
///
/// Memory: 100 MiB, and that of ChunkStore. Errors: not_permitted (role admin), not_found and
/// corrupt (a folder that cannot be read: repair the snapshots first), busy (a prune is deleting
/// what a snapshot needs, after it has copied it: try again later), invalid_argument (a name is
/// ambiguous), no_space, interrupted, io. What was replaced before stays so; the same call does the
/// rest.
[[nodiscard]] core::Result<RewriteReport> rewrite(Repository& repository, const PathFilter& exclude,
                                                  const RewriteOptions& options,
                                                  Observer& observer);

/// Replaces the snapshots that need what is lost by others that can be restored: entries of folders
/// that cannot be read are left out; holes take the place of bytes that no pack has, and their
/// files are flagged. Every loss is told, and recorded among the snapshot's problems. What lies in
/// a pack that is damaged but there counts as intact: repair_packs() comes first.
///
/// Errors and memory: as rewrite(), but that what cannot be read is no error.
[[nodiscard]] core::Result<RewriteReport> repair_snapshots(Repository& repository,
                                                           const RewriteOptions& options,
                                                           Observer& observer);

}  // namespace cairn::repo
