#include "command_line/settings_arguments.h"

#include <fmt/format.h>

#include "command_line/option_words.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

constexpr const char* kMaxRepoSize = "--max-repo-size";

/// As repo::Settings has it; nullopt if it is neither "none" nor a size above 0.
std::optional<std::uint64_t> parse_max_repo_size(const std::string& text) {
  if (text == "none") {
    return 0;
  }
  const auto bytes = parse_size(text);
  return bytes && *bytes > 0 ? bytes : std::nullopt;
}

UsageError bad_max_repo_size(const std::string& text) {
  return usage_error(
      fmt::format("{} {}: must be a size such as 500G or 2T, or none", kMaxRepoSize, text));
}

}  // namespace

void add_init(CLI::App& app, TypedSettings& typed) {
  add_text(add_command(app, "init"), kMaxRepoSize, typed.max_repo_size, "SIZE",
           "Stop backups before the repository passes this size, 500G;\nconfig changes it");
}

void add_config(CLI::App& app, TypedSettings& typed) {
  add_text(add_command(app, "config"), kMaxRepoSize, typed.max_repo_size, "SIZE",
           "Stop backups before the repository passes this size, 500G;\nnone: no limit");
}

CheckedArguments init_values(const TypedSettings& typed) {
  InitArguments init;
  if (!typed.max_repo_size.empty()) {
    const auto bytes = parse_max_repo_size(typed.max_repo_size);
    if (!bytes) {
      return bad_max_repo_size(typed.max_repo_size);
    }
    init.settings.max_repo_bytes = *bytes;
  }
  return init;
}

CheckedArguments config_values(const TypedSettings& typed) {
  ConfigArguments config;
  if (!typed.max_repo_size.empty()) {
    config.max_repo_bytes = parse_max_repo_size(typed.max_repo_size);
    if (!config.max_repo_bytes) {
      return bad_max_repo_size(typed.max_repo_size);
    }
  }
  return config;
}

}  // namespace cairn::cli
