#include "verify_arguments.h"

#include <utility>

#include "option_words.h"

namespace cairn::cli {

void add_verify(CLI::App& app, TypedVerify& typed) {
  CLI::App& command = add_command(app, "verify");
  add_list(command, "SNAP", typed.checked.snapshots, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  command.add_flag("--latest", typed.latest, "Only the newest snapshot");
  command.add_flag("--all", typed.all, "Everything in the repository (default)");
  command.add_flag("--check-integrity", typed.checked.check_integrity, "Read every byte");
}

CheckedArguments verify_values(TypedVerify& typed) {
  const int ways =
      (typed.checked.snapshots.empty() ? 0 : 1) + (typed.latest ? 1 : 0) + (typed.all ? 1 : 0);
  if (ways > 1) {
    return usage_error("give only one of SNAP, --latest and --all");
  }
  if (typed.latest) {
    typed.checked.snapshots = {"latest"};
  }
  return std::move(typed.checked);
}

}  // namespace cairn::cli
