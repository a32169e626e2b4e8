#include "cairn/repo/settings.h"

#include <fmt/format.h>

#include "ops/repository/standing_settings.h"

namespace cairn::repo {

core::Result<Settings> read_settings(Repository& repository, Observer& observer) {
  CAIRN_TRY(const ops::StandingSettings standing, ops::find_settings(repository.state()));
  standing.warn(observer);
  return standing.values();
}

core::Status change_settings(Repository& repository, const Settings& settings, Observer& observer) {
  ops::State& state = repository.state();
  if (state.keys->role() != Role::admin) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot change settings", to_string(state.keys->role())),
        "use a key of role admin");
  }
  CAIRN_TRY(const ops::StandingSettings standing, ops::find_settings(state));
  standing.warn(observer);
  return standing.values() == settings ? core::Status()
                                       : ops::put_standing_settings(state, standing, settings);
}

}  // namespace cairn::repo
