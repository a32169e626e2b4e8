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
  /// Of the snapshots of one host, set and paths only the newest so many, partial ones and those of
  /// the future aside; 0: all.
  std::uint64_t latest = 0;
  /// Of the same only what forget() by these rules would keep, that is also what is pinned, and all
  /// restore points unless there is a policy for them. Empty: all.
  RetentionRules rules = {};
  std::string program_version = {};
  int compression_level = kCompressionDefault;
  bool dry_run = false;       ///< says what is missing, writes nothing
  unsigned workers = 0;       ///< 0: one per processor
  std::stop_token stop = {};  ///< what was stored is kept, and found by the next copy
};

struct CopiedSnapshot {
  ListedSnapshot source;
  std::optional<SnapshotId> copy;  ///< nullopt in a dry run, unless it was there
  bool was_there = false;          ///< copied before
  AddedBytes added_data;
  AddedBytes added_metadata;
};

struct CopyReport {
  std::vector<CopiedSnapshot> snapshots;  ///< those that were chosen, oldest first
  std::uint64_t bytes_read = 0;           ///< of file contents, from packs of the source, expanded
  std::uint64_t written_bytes = 0;        ///< all objects put into the destination
  std::uint64_t unreadable = 0;           ///< of the source: nobody knows whether they were meant
};

/// Copies snapshots that the destination does not have yet, oldest first. Each repository has its
/// own keys, so chunks and nodes get other ids; files keep the cuts that they have. A copy says of
/// itself what its original says: times, host, user, set, type, tags as they are now, description;
/// pins are not copied.
///
/// A snapshot counts as copied before if the destination has one whose manifest is the same but for
/// ids, tags and what it added: the times are to the nanosecond. A key of role backup cannot read
/// manifests; then what this client has noted in its catalogue decides. A copy that was forgotten
/// is made again.
///
/// Nothing is stored twice. What the destination has is not read from the source either, if an
/// earlier snapshot of the same paths was copied, whatever it shares with that one; without
/// metadata keys of the destination only within one call.
///
/// Threads: `workers`, and two more. Memory: 80 MiB, that of ChunkStore, and for each worker a
/// block of the source, expanded, and three of the destination.
///
/// Errors: not_permitted (roles: admin or restore for the source, admin or backup for the
/// destination), invalid_argument (both are the same repository; a name of the filter is
/// ambiguous), not_found, corrupt (with `latest` or a policy: one that cannot be read may be one of
/// them; or what a snapshot of the source needs is missing or damaged; those
/// before it have been copied), no_space (also if the limit of settings.h would be passed),
/// interrupted, io.
[[nodiscard]] core::Result<CopyReport> copy(Repository& source, Repository& destination,
                                            const CopyOptions& options, Observer& observer);

}  // namespace cairn::repo
