#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/settings.h"
#include "format/settings.h"
#include "ops/repository/open_repository.h"

/// Which of the settings objects counts. docs/FORMAT.md, "Config".
namespace cairn::repo::ops {

struct StandingSettings {
  std::optional<SettingsId> id;  ///< nullopt: there are none yet
  format::Settings settings;     ///< those that count; defaults if there are none
  std::vector<SettingsId> superseded;
  /// What is wrong with settings that cannot be read, or that no admin has signed: they do not
  /// count.
  std::vector<std::string> damage;

  [[nodiscard]] Settings values() const { return {.max_repo_bytes = settings.max_repo_bytes}; }
  /// Reports the damage: a limit that cannot be read is not kept.
  void warn(Observer& observer) const;
};

/// Errors: io.
[[nodiscard]] core::Result<StandingSettings> find_settings(const OpenRepository& repository);

/// Writes settings that replace all those in `standing`, then removes these; one that cannot be
/// removed no longer counts. Errors: not_permitted, limit_exceeded (no number is left), no_space,
/// io.
core::Status put_standing_settings(const OpenRepository& repository,
                                   const StandingSettings& standing, const Settings& wanted);

}  // namespace cairn::repo::ops
