#pragma once

#include <map>
#include <vector>

#include "cairn/core/result.h"
#include "format/session.h"
#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// A session according to its objects: an announcement, and perhaps a heartbeat.
struct AnnouncedSession {
  format::Session newest;           ///< the one with the highest heartbeat
  std::vector<SnapshotId> objects;  ///< names below sessions/
};

/// All sessions that are announced now, by id. An object that cannot be read counts as the
/// announcement of an otherwise unknown session with the object's name: fencing that does no harm.
/// Errors: io.
[[nodiscard]] core::Result<std::map<SnapshotId, AnnouncedSession>> list_announced_sessions(
    const OpenRepository& repository);

/// True if the session's register is decided: it is or was a snapshot, or can never become one.
[[nodiscard]] core::Result<bool> is_decided(const OpenRepository& repository,
                                            const SnapshotId& session);

/// True if it has a tombstone that a role that may has signed. Any other object of that name may
/// have been put there by anybody, and has no effect.
[[nodiscard]] core::Result<bool> is_forgotten(const OpenRepository& repository,
                                              const SnapshotId& snapshot);

}  // namespace cairn::repo::ops
