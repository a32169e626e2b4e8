#pragma once

#include <optional>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/catalogue_view.h"

/// What a backup asks of the snapshots before it.
namespace cairn::repo::ops {

/// The newest snapshot of the same host, set and paths, if it has the same trees, the same type,
/// and all tags: one more would say nothing new. nullopt if it does not, or if a snapshot that
/// cannot be read may be newer. Errors: not_permitted, io.
[[nodiscard]] core::Result<std::optional<SnapshotId>> equal_snapshot(
    const OpenRepository& repository, const Snapshot& made);

/// Warns if the last snapshot of this client is dated in the future: the clock was wrong then, or
/// is wrong now. What cannot be read is passed over.
void warn_of_future(CatalogueView view, Observer& observer);

}  // namespace cairn::repo::ops
