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

/// Replacing snapshots by others with less in them. A snapshot is never changed: the new one has an
/// id of its own, the times, host, user, set, type and description of the old one, and the tags
/// that this has now. Contents are neither read nor stored again.
namespace cairn::repo {

struct RewriteOptions {
  SnapshotFilter filter = {};  ///< which snapshots; empty: all
  /// Forgets what has been replaced. Pinned snapshots stay; the new ones are pinned too.
  bool forget = false;
  bool dry_run = false;  ///< says what would be done, writes nothing
  std::string program_version = {};
  int compression_level = kCompressionDefault;
  std::stop_token stop = {};
};

struct RewrittenSnapshot {
  ListedSnapshot original;
  bool changed = false;                        ///< false: it stays as it is
  bool nothing_left = false;                   ///< no source would be left: it stays as it is
  std::optional<SnapshotId> replacement = {};  ///< nullopt in a dry run, unless it was there
  bool was_there = false;                      ///< an earlier call rewrote it in the same way
  bool forgotten = false;
  std::uint64_t left_out = 0;        ///< objects, with all that was below them
  std::uint64_t left_out_bytes = 0;  ///< sizes of the files among them
  std::vector<Problem> lost = {};    ///< what a repair found to be lost; the first kProblemsMax
  std::uint64_t lost_count = 0;
};

struct RewriteReport {
  std::vector<RewrittenSnapshot> snapshots;  ///< all that were looked at, oldest first
  std::uint64_t written_bytes = 0;
  std::uint64_t unreadable = 0;  ///< they may be among those that were meant
};

/// Leaves out what the filter excludes, by absolute paths as a backup does. Sources themselves are
/// left out only by anchored patterns, which may also match folders above them. If the first name
/// of a hard link goes, the names that stay get a file of their own.
///
/// Memory: 100 MiB, and that of ChunkStore. Errors: not_permitted (role admin), not_found and
/// corrupt (a folder that cannot be read: repair the snapshots first), busy (a prune is deleting
/// something that a snapshot needs, after copying it: try again later), invalid_argument (a name is
/// ambiguous), no_space, interrupted, io. Snapshots that were replaced before an error stay
/// replaced; the same call does the rest.
[[nodiscard]] core::Result<RewriteReport> rewrite(Repository& repository, const PathFilter& exclude,
                                                  const RewriteOptions& options,
                                                  Observer& observer);

/// Replaces the snapshots that need lost data by others that can be restored: entries of folders
/// that cannot be read are left out; holes take the place of bytes that no pack has, and their
/// files are flagged. Every loss is reported, and recorded among the snapshot's problems. Data in a
/// pack that exists but is damaged counts as intact: call repair_packs() first.
///
/// Errors and memory: as rewrite(), except that data that cannot be read is no error.
[[nodiscard]] core::Result<RewriteReport> repair_snapshots(Repository& repository,
                                                           const RewriteOptions& options,
                                                           Observer& observer);

}  // namespace cairn::repo
