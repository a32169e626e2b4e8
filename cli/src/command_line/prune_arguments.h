#pragma once

#include <string>

#include "command_line/arguments.h"

namespace CLI {
class App;
}

/// The words of prune, checked and turned into values.
namespace cairn::cli {

struct TypedPrune {
  PruneArguments checked;  ///< what needs no check is put here at once
  std::string max_unused;
  std::string max_repack;
  std::string stale_after;
};
/// Declares the command; `typed` must outlive the app.
void add_prune(CLI::App& app, TypedPrune& typed);
/// Its options alone, for commands that prune afterwards.
void add_prune_options(CLI::App& command, TypedPrune& typed);
[[nodiscard]] CheckedArguments prune_values(TypedPrune& typed);

}  // namespace cairn::cli
