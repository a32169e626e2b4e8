#include "ops/repository/standing_settings.h"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "ops/repository/damage.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {
namespace {

void take_settings(StandingSettings& standing, const SettingsId& id, format::Settings settings) {
  if (standing.id &&
      std::tie(settings.number, id) < std::tie(standing.settings.number, *standing.id)) {
    standing.superseded.push_back(id);
    return;
  }
  if (standing.id) {
    standing.superseded.push_back(*standing.id);
  }
  standing.id = id;
  standing.settings = std::move(settings);
}

}  // namespace

void StandingSettings::warn(Observer& observer) const {
  for (const std::string& text : damage) {
    observer.warning(text + ": these settings do not count; see: cairn verify");
  }
}

core::Result<StandingSettings> find_settings(const OpenRepository& repository) {
  CAIRN_TRY(const auto ids,
            store::list_ids<SettingsId>(*repository.backend, format::ObjectKind::settings));
  StandingSettings standing;
  for (const SettingsId& id : ids) {
    auto settings = store::get_settings(*repository.backend, *repository.keys, id);
    if (settings) {
      take_settings(standing, id, std::move(*settings));
    } else if (is_unreadable(settings.error().code())) {
      standing.damage.push_back(settings.error().message());
    } else if (settings.error().code() != core::ErrorCode::not_found) {  // else just superseded
      return core::fail(std::move(settings).error());
    }
  }
  return standing;
}

core::Status put_standing_settings(const OpenRepository& repository,
                                   const StandingSettings& standing, const Settings& wanted) {
  format::Settings settings;
  settings.max_repo_bytes = wanted.max_repo_bytes;
  settings.when = repository.environment.clock.now();
  if (standing.id) {
    if (standing.settings.number == UINT64_MAX) {
      return core::fail(core::ErrorCode::limit_exceeded,
                        "change the settings: those that count have the last number there is",
                        fmt::format("remove settings/{} from the repository, then change them "
                                    "again",
                                    standing.id->hex()));
    }
    settings.number = standing.settings.number + 1;
  }
  const auto put = store::put_settings(*repository.backend, *repository.keys,
                                       repository.environment.random, std::move(settings));
  if (!put) {
    return core::fail(put.error());
  }
  std::vector<SettingsId> obsolete = standing.superseded;
  if (standing.id) {
    obsolete.push_back(*standing.id);
  }
  for (const SettingsId& id : obsolete) {
    // Storage that forbids deletion keeps it; its number says that it no longer counts.
    [[maybe_unused]] const auto removed =
        repository.backend->remove(store::object_name(format::ObjectKind::settings, id));
  }
  return {};
}

}  // namespace cairn::repo::ops
