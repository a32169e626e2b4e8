#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/find.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/retention.h"

/// Forgetting snapshots: each gets a signed tombstone, and is no longer listed or restored. Its
/// data stays until a collector finds that nothing else needs it.
namespace cairn::repo {

struct ForgetOptions {
  /// Snapshots to forget, by name as in find_snapshot(), among those that pass the filter; rules
  /// are then ignored. A damaged one is named by its full id.
  std::vector<std::string> snapshots = {};
  RetentionRules rules = {};
  /// Which snapshots the rules see; those that do not pass stay. A filter that names the type
  /// restore point puts restore points under the general policy, unless they have their own.
  SnapshotFilter filter = {};
  bool dry_run = false;  ///< plans and checks, writes nothing
  std::stop_token stop = {};
};

struct ForgetPlan {
  std::vector<ListedSnapshot> snapshots;  ///< that were looked at; oldest first
  std::vector<RetentionGroup> groups;     ///< their verdicts; none if snapshots were named
  std::vector<SnapshotId> doomed;         ///< what is to be forgotten, oldest first
  std::uint64_t already_forgotten = 0;    ///< of those that were named
};

struct ForgetReport {
  ForgetPlan plan;
  std::uint64_t forgotten = 0;  ///< 0 after a dry run
};

/// What forget() would do. Only reads, so every role that can list snapshots may call it. Errors:
/// as forget() before it writes, except for the role.
[[nodiscard]] core::Result<ForgetPlan> plan_forget(Repository& repository,
                                                   const ForgetOptions& options,
                                                   Observer& observer);

/// Forgets snapshots by policy, or those that were named. While a snapshot cannot be read, no
/// policy is applied: that snapshot might be the one to keep instead of another. Everything is
/// decided before the first tombstone is written; after an interruption the same call does the
/// rest.
///
/// Errors: not_permitted unless the role is admin or maintain; invalid_argument if no policy names
/// anything, if a group would lose all its snapshots, if a named one is pinned, or if a name is
/// ambiguous; not_found; corrupt if a mark cannot be read, since it may be a pin, if a snapshot
/// cannot be read and a policy is to be applied (io, if the storage refused it), or if a damaged
/// tombstone is in the way; interrupted; no_space; io.
[[nodiscard]] core::Result<ForgetReport> forget(Repository& repository,
                                                const ForgetOptions& options, Observer& observer);

}  // namespace cairn::repo
