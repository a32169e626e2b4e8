#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo {

struct RestoreOptions {
  /// What to restore: empty for the whole snapshot, recreated with its absolute paths below the
  /// target; else an absolute path inside it: a folder's contents or a file go into the target.
  std::string path;
  std::string target;        ///< folder; made if missing
  bool overwrite = false;    ///< allow a target that is not empty; existing files are replaced
  bool dry_run = false;      ///< walks and plans, writes nothing
  bool numeric_ids = false;  ///< owners by number only; else names that exist here decide
  unsigned workers = 0;      ///< 0: one per processor
  std::stop_token stop;
};

struct RestoreReport {
  TreeCounts restored;
  std::uint64_t bytes_read = 0;       ///< from the repository, as stored
  std::uint64_t bytes_written = 0;    ///< into the target
  std::uint64_t skipped_owner = 0;    ///< objects whose owner could not be set (not root)
  std::uint64_t skipped_special = 0;  ///< devices that could not be made (not root)
  std::uint64_t problem_count = 0;
  std::vector<Problem> problems;  ///< the first kProblemsMax; each file named
};

/// Restores a snapshot, a folder or a file. A file gets its final name only when all its bytes
/// have been verified and written; what cannot be restored (damage) is reported and the rest goes
/// on. The repository cannot make it write outside the target.
///
/// Errors: not_found, invalid_argument (target not empty), not_permitted, no_space, io (of the
/// target), interrupted. Damage of single files is no error but a problem in the report.
[[nodiscard]] core::Result<RestoreReport> restore(Repository& repository, const Snapshot& snapshot,
                                                  const RestoreOptions& options,
                                                  Observer& observer);

}  // namespace cairn::repo
