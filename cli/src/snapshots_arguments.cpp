#include "snapshots_arguments.h"

#include <fmt/format.h>

#include <utility>

#include "looking_arguments.h"
#include "option_words.h"

namespace cairn::cli {

void add_snapshots(CLI::App& app, TypedSnapshots& typed) {
  CLI::App& command = add_command(app, "snapshots");
  add_list(command, "SNAP", typed.checked.snapshots, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  add_tags_and_hosts(command, typed.checked.tags, typed.checked.hosts);
  add_pins(command, typed.pins);
}

CheckedArguments snapshots_values(TypedSnapshots& typed, const CLI::App& command) {
  const SnapshotsArguments& list = typed.checked;
  if (command.get_subcommands().empty()) {
    return std::move(typed.checked);
  }
  const std::string& verb = command.get_subcommands().front()->get_name();
  if (!list.snapshots.empty() || !list.tags.empty() || !list.hosts.empty()) {
    return usage_error(
        fmt::format("snapshots {} takes snapshots behind it, and nothing else", verb));
  }
  return pin_values(typed.pins, verb);
}

}  // namespace cairn::cli
