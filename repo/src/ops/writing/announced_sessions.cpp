#include "ops/writing/announced_sessions.h"

#include <utility>

#include "store/objects/records.h"

namespace cairn::repo::ops {

core::Result<std::map<SnapshotId, AnnouncedSession>> list_announced_sessions(
    const OpenRepository& repository) {
  CAIRN_TRY(const auto names,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::session));
  std::map<SnapshotId, AnnouncedSession> sessions;
  for (const SnapshotId& name : names) {
    auto session = store::get_session(*repository.backend, *repository.keys, name);
    if (!session) {
      const auto code = session.error().code();
      if (code == core::ErrorCode::not_found) {
        continue;  // withdrawn a moment ago
      }
      if (code == core::ErrorCode::io) {
        return core::fail(std::move(session).error());
      }
      sessions[name].newest.id = name;
      sessions[name].objects.push_back(name);
      continue;
    }
    AnnouncedSession& known = sessions[session->id];
    known.objects.push_back(name);
    if (known.objects.size() == 1 || session->heartbeat > known.newest.heartbeat) {
      known.newest = std::move(*session);
    }
  }
  return sessions;
}

core::Result<bool> is_decided(const OpenRepository& repository, const SnapshotId& session) {
  CAIRN_TRY(const auto size,
            repository.backend->size(store::object_name(format::ObjectKind::snapshot, session)));
  if (size) {
    return true;
  }
  // A forgotten snapshot may have lost its register already.
  return is_forgotten(repository, session);
}

core::Result<bool> is_forgotten(const OpenRepository& repository, const SnapshotId& snapshot) {
  const auto tombstone = store::get_tombstone(*repository.backend, *repository.keys, snapshot);
  if (tombstone) {
    return true;
  }
  switch (tombstone.error().code()) {
    case core::ErrorCode::not_found:
    case core::ErrorCode::corrupt:
    case core::ErrorCode::limit_exceeded:
    case core::ErrorCode::unsupported_version:
      return false;
    default:
      return core::fail(tombstone.error());
  }
}

}  // namespace cairn::repo::ops
