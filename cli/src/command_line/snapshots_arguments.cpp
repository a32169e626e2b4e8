#include "command_line/snapshots_arguments.h"

#include <fmt/format.h>

#include <utility>

#include "command_line/copy_arguments.h"
#include "command_line/option_words.h"

namespace cairn::cli {
namespace {

CheckedArguments list_values(TypedSnapshots& typed) {
  SnapshotsArguments& list = typed.checked;
  if (!typed.latest.empty()) {
    const auto latest = parse_latest_count(typed.latest);
    if (!latest) {
      return usage_error(fmt::format("--latest {}: must be a number from 1", typed.latest));
    }
    list.latest = *latest;
  }
  if (typed.group_by) {
    list.group_by.emplace();
    if (auto error = take_grouping(*typed.group_by, *list.group_by)) {
      return *error;
    }
  }
  if (typed.compact && typed.long_table) {
    return usage_error("give only one of --compact and --long");
  }
  list.form = typed.compact      ? ListForm::compact
              : typed.long_table ? ListForm::long_table
                                 : ListForm::table;
  return std::move(list);
}

}  // namespace

void add_snapshots(CLI::App& app, TypedSnapshots& typed) {
  CLI::App& command = add_command(app, "snapshots");
  add_list(command, "SNAP", typed.checked.filter.names, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  add_text(command, "--latest", typed.latest, "N",
           "Only the newest N of each group, or of each host,\nname and paths");
  add_group_by(command, typed.group_by, "A table for each host, name, paths, tags: host,name");
  command.add_flag("--compact", typed.compact, "Only what tells them apart");
  command.add_flag("-l,--long", typed.long_table, "Descriptions, users, durations, too");
  add_filter(command, typed.filter);
  add_pins(command, typed.pins);
}

CheckedArguments snapshots_values(TypedSnapshots& typed, const CLI::App& command) {
  SnapshotsArguments& list = typed.checked;
  if (auto error = take_filter(typed.filter, list.filter)) {
    return *error;
  }
  if (command.get_subcommands().empty()) {
    return list_values(typed);
  }
  const std::string& verb = command.get_subcommands().front()->get_name();
  if (!list.filter.is_empty() || !typed.latest.empty() || typed.group_by || typed.compact ||
      typed.long_table) {
    return usage_error(
        fmt::format("snapshots {} takes snapshots behind it, and nothing else", verb));
  }
  return pin_values(typed.pins, verb);
}

}  // namespace cairn::cli
