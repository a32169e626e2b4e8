#pragma once

#include <map>
#include <vector>

#include "cairn/core/result.h"
#include "format/session.h"
#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// A session as its objects tell it: an announcement, and perhaps a heartbeat.
struct AnnouncedSession {
  format::Session newest;           ///< with the highest heartbeat
  std::vector<SnapshotId> objects;  ///< names below sessions/
};

/// All sessions that are announced now, by id. An object that cannot be read is taken for the
/// announcement of a session of its own name, of which nothing else is known: whoever fences it
/// does no harm. Errors: io.
[[nodiscard]] core::Result<std::map<SnapshotId, AnnouncedSession>> list_announced_sessions(
    const OpenRepository& repository);

/// True if the session's register is decided: it is a snapshot or was one, or will never be one.
[[nodiscard]] core::Result<bool> is_decided(const OpenRepository& repository,
                                            const SnapshotId& session);

/// True if a tombstone stands for it that somebody signed who may. Anything else of its name was
/// put there by nobody knows whom, and takes nothing away.
[[nodiscard]] core::Result<bool> is_forgotten(const OpenRepository& repository,
                                              const SnapshotId& snapshot);

}  // namespace cairn::repo::ops
