#include "ops/writing/leftovers.h"

#include <string>

#include "ops/writing/announced_sessions.h"

namespace cairn::repo::ops {
namespace {

std::uint64_t remove_session(const OpenRepository& repository, const SnapshotId& id,
                             const AnnouncedSession& session) {
  std::uint64_t removed = 0;
  const auto remove = [&](const SnapshotId& object) {
    const auto name = store::object_name(format::ObjectKind::session, object);
    removed += repository.backend->remove(name) ? 1U : 0U;
  };
  // The announcement last: as long as it exists, it is known whose heartbeats these are.
  for (const SnapshotId& object : session.objects) {
    if (object != id) {
      remove(object);
    }
  }
  remove(id);
  return removed;
}

}  // namespace

std::uint64_t clear_dead_leftovers(const OpenRepository& repository) {
  const auto& is_gone = repository.environment.process_is_gone;
  if (!is_gone) {
    return 0;
  }
  std::uint64_t removed = 0;
  if (const auto announced = list_announced_sessions(repository)) {
    for (const auto& [id, session] : *announced) {
      if (is_gone(session.newest.process)) {
        removed += remove_session(repository, id, session);
      }
    }
  }
  if (const auto abandoned = repository.backend->abandoned(store::Certainty::known)) {
    for (const std::string& name : *abandoned) {
      removed += repository.backend->discard_unfinished(name) ? 1U : 0U;
    }
  }
  return removed;
}

}  // namespace cairn::repo::ops
