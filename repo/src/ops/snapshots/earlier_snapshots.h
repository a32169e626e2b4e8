#pragma once

#include <optional>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/catalogue_view.h"

/// What a backup asks about the snapshots before it.
namespace cairn::repo::ops {

/// The newest snapshot of the same host, set and paths, if it has the same trees, the same type,
/// and all tags, so that another one would add nothing. nullopt if it does not, or if an unreadable
/// snapshot may be newer. Errors: not_permitted, io.
[[nodiscard]] core::Result<std::optional<SnapshotId>> equal_snapshot(
    const OpenRepository& repository, const Snapshot& made);

/// Warns if the last snapshot of this client is dated in the future: the clock was wrong then, or
/// is wrong now. Unreadable snapshots are skipped.
void warn_of_future(CatalogueView view, Observer& observer);

}  // namespace cairn::repo::ops
