#include "command_line/verify_arguments.h"

#include <utility>

#include "command_line/option_words.h"

namespace cairn::cli {

void add_verify(CLI::App& app, TypedVerify& typed) {
  CLI::App& command = add_command(app, "verify");
  add_list(command, "SNAP", typed.checked.filter.names, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  command.add_flag("--latest", typed.latest, "Only the newest snapshot");
  command.add_flag("--all", typed.all, "Everything in the repository (default)");
  command.add_flag("--check-integrity", typed.checked.check_integrity, "Read every byte");
  add_filter(command, typed.filter);
}

CheckedArguments verify_values(TypedVerify& typed) {
  repo::SnapshotFilter& filter = typed.checked.filter;
  if (auto error = take_filter(typed.filter, filter)) {
    return *error;
  }
  const int ways = (filter.names.empty() ? 0 : 1) + (typed.latest ? 1 : 0) + (typed.all ? 1 : 0);
  if (ways > 1) {
    return usage_error("give only one of SNAP, --latest and --all");
  }
  if (typed.latest) {
    filter.names = {"latest"};
  }
  if (typed.all && !filter.is_empty()) {
    return usage_error("--all is everything: no option can choose some of it");
  }
  return std::move(typed.checked);
}

}  // namespace cairn::cli
