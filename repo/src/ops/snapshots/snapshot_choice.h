#pragma once

#include <string_view>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshots.h"
#include "ops/snapshots/snapshot_list.h"

/// Which snapshots of a list are meant.
namespace cairn::repo::ops {

/// True if the snapshot passes everything in the filter except the names.
[[nodiscard]] bool passes(const SnapshotFilter& filter, const ListedSnapshot& listed);

/// True if "latest" may mean it: no restore point, not dated in the future, and whole.
[[nodiscard]] bool may_be_latest(const SnapshotFilter& filter, const ListedSnapshot& listed,
                                 core::Timestamp now) noexcept;

/// The one that a name means. As find_snapshot(), errors included.
[[nodiscard]] core::Result<const ListedSnapshot*> find_in(const SnapshotList& list,
                                                          std::string_view name,
                                                          const SnapshotFilter& filter,
                                                          Observer& observer);

/// As find_snapshot_at(), errors included; the offset is for messages.
[[nodiscard]] core::Result<const ListedSnapshot*> find_in_at(const SnapshotList& list,
                                                             core::Timestamp when,
                                                             int utc_offset_minutes,
                                                             const SnapshotFilter& filter,
                                                             Observer& observer);

/// Removes what does not pass, or was not named. Errors: as find_snapshot().
core::Status keep_matching(SnapshotList& list, const SnapshotFilter& filter, Observer& observer);

}  // namespace cairn::repo::ops
