#include "cairn/repo/settings.h"

#include <fmt/format.h>

#include "ops/repository/standing_settings.h"

namespace cairn::repo {

core::Result<Settings> read_settings(Repository& repository, Observer& observer) {
  CAIRN_TRY(const ops::StandingSettings standing, ops::find_settings(ops::opened(repository)));
  standing.warn(observer);
  return standing.values();
}

core::Status change_settings(Repository& repository, const Settings& settings, Observer& observer) {
  const ops::OpenRepository& open = ops::opened(repository);
  if (open.keys->role() != Role::admin) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot change settings", to_string(open.keys->role())),
        "use a key of role admin");
  }
  CAIRN_TRY(const ops::StandingSettings standing, ops::find_settings(open));
  standing.warn(observer);
  return standing.values() == settings ? core::Status()
                                       : ops::put_standing_settings(open, standing, settings);
}

}  // namespace cairn::repo
