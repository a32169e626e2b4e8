#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// What is said of snapshots after they were made: their tags, and that they are not to be
/// forgotten. It changes neither their ids nor what they hold. Not thread-safe.
///
/// All of them take snapshots by name, as find_snapshot() does, and name them all before anything
/// is written. A snapshot that is as it should be already is not touched, so what was interrupted
/// can be repeated. Of two that change one snapshot at the same time the later one wins as a whole.
///
/// Errors: not_permitted unless the role is admin or maintain, not_found, invalid_argument (an
/// ambiguous name, a tag that is empty or
/// has a comma in it), limit_exceeded (too long a tag, too many), no_space, io.
namespace cairn::repo {

struct MarkReport {
  std::vector<ListedSnapshot> snapshots;  ///< those that were named, as they are now; oldest first
  std::uint64_t changed = 0;              ///< of them
};

[[nodiscard]] core::Result<MarkReport> add_tags(Repository& repository,
                                                const std::vector<std::string>& snapshots,
                                                const std::vector<std::string>& tags,
                                                Observer& observer);
/// Tags that a snapshot does not have are no error.
[[nodiscard]] core::Result<MarkReport> remove_tags(Repository& repository,
                                                   const std::vector<std::string>& snapshots,
                                                   const std::vector<std::string>& tags,
                                                   Observer& observer);

/// A pinned snapshot is not forgotten (forget.h), neither by a policy nor by its name.
[[nodiscard]] core::Result<MarkReport> pin(Repository& repository,
                                           const std::vector<std::string>& snapshots,
                                           Observer& observer);
[[nodiscard]] core::Result<MarkReport> unpin(Repository& repository,
                                             const std::vector<std::string>& snapshots,
                                             Observer& observer);

}  // namespace cairn::repo
