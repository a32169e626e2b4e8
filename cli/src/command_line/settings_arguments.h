#pragma once

#include <string>

#include "command_line/arguments.h"

namespace CLI {
class App;
}

/// The words of init and config, checked and turned into values.
namespace cairn::cli {

struct TypedSettings {
  std::string max_repo_size;
};
/// Declares `init`; `typed` must outlive the app.
void add_init(CLI::App& app, TypedSettings& typed);
/// Declares `config`; `typed` must outlive the app.
void add_config(CLI::App& app, TypedSettings& typed);
[[nodiscard]] CheckedArguments init_values(const TypedSettings& typed);
[[nodiscard]] CheckedArguments config_values(const TypedSettings& typed);

}  // namespace cairn::cli
