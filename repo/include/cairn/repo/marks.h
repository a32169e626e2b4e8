#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// Changes to what is said about snapshots after they were made: their tags, and whether they are
/// pinned. Ids and contents stay. Not thread-safe.
///
/// All functions take snapshots by name, as find_snapshot() does, and look all of them up before
/// anything is written. A snapshot that already is as it should be is not touched, so an
/// interrupted call can be repeated. Of two simultaneous changes to one snapshot the later one wins
/// as a whole.
///
/// Errors: not_permitted unless the role is admin or maintain, not_found, invalid_argument (an
/// ambiguous name; an empty tag, or one with a comma), limit_exceeded (too long a tag, too many),
/// no_space, io.
/// has a comma in it), limit_exceeded (too long a tag, too many), no_space, io.
namespace cairn::repo {

struct MarkReport {
  std::vector<ListedSnapshot> snapshots;  ///< those that were named, as they are now; oldest first
  std::uint64_t changed = 0;              ///< how many of them
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

/// A pinned snapshot is not forgotten (forget.h), neither by a policy nor by name.
[[nodiscard]] core::Result<MarkReport> pin(Repository& repository,
                                           const std::vector<std::string>& snapshots,
                                           Observer& observer);
[[nodiscard]] core::Result<MarkReport> unpin(Repository& repository,
                                             const std::vector<std::string>& snapshots,
                                             Observer& observer);

}  // namespace cairn::repo
