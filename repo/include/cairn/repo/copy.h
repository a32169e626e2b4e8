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
#include "cairn/repo/repository.h"
#include "cairn/repo/retention.h"

/// Copying snapshots from one repository into another one.
namespace cairn::repo {

struct CopyOptions {
  SnapshotFilter filter = {};  ///< which snapshots of the source; empty: all
  /// Of the snapshots of one host, set and paths only this many of the newest, not counting partial
  /// ones and those dated in the future; 0: all.
  std::uint64_t latest = 0;
  /// Only those that forget() would keep by these rules. It also keeps pinned snapshots, and all
  /// restore points unless there is a policy for them. Empty: all.
  RetentionRules rules = {};
  std::string program_version = {};
  int compression_level = kCompressionDefault;
  bool dry_run = false;       ///< says what is missing, writes nothing
  unsigned workers = 0;       ///< 0: one per processor
  std::stop_token stop = {};  ///< what was stored stays, and the next copy finds it
};

struct CopiedSnapshot {
  ListedSnapshot source;
  std::optional<SnapshotId> copy;  ///< nullopt in a dry run, unless it was there
  bool was_there = false;          ///< copied earlier
  AddedBytes added_data;
  AddedBytes added_metadata;
};

struct CopyReport {
  std::vector<CopiedSnapshot> snapshots;  ///< those that were chosen, oldest first
  std::uint64_t bytes_read = 0;     ///< of file contents, from packs of the source, decompressed
  std::uint64_t written_bytes = 0;  ///< all objects put into the destination
  std::uint64_t unreadable = 0;     ///< of the source: they may be among those that were meant
};

/// Copies snapshots that the destination does not have yet, oldest first. Each repository has its
/// own keys, so chunks and nodes get other ids; files keep their cuts. A copy has the times, host,
/// user, set, type and description of its original, and the tags that this has now; pins are not
/// copied.
///
/// A snapshot counts as copied if the destination has one with the same manifest, apart from ids,
/// tags and what it added; times are compared to the nanosecond. A key of role backup cannot read
/// manifests; then this client's notes in its catalogue decide. A copy that was forgotten is made
/// again.
///
/// Nothing is stored twice. If an earlier snapshot of the same paths has been copied, what it
/// shares with this one is not read from the source either. Without the destination's metadata keys
/// that holds only within one call.
///
/// Threads: `workers`, and two more. Memory: 80 MiB, that of ChunkStore, and for each worker one
/// decompressed block of the source and three blocks of the destination.
///
/// Errors: not_permitted (roles: admin or restore for the source, admin or backup for the
/// destination), invalid_argument (both are the same repository; a name of the filter is
/// ambiguous), not_found, corrupt (with `latest` or a policy: a snapshot that cannot be read may be
/// one of the chosen; or something that a snapshot needs is missing or damaged in the source: those
/// before it have been copied), no_space (also if the limit of settings.h would be exceeded),
/// interrupted, io.
[[nodiscard]] core::Result<CopyReport> copy(Repository& source, Repository& destination,
                                            const CopyOptions& options, Observer& observer);

}  // namespace cairn::repo
