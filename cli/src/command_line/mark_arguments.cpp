#include "command_line/mark_arguments.h"

#include <utility>

#include "command_line/option_words.h"

namespace cairn::cli {

void add_tag(CLI::App& app, TypedMarks& typed) {
  CLI::App& tag = add_command(app, "tag");
  tag.require_subcommand(1);
  for (const char* const name : {"tag add", "tag remove"}) {
    CLI::App& command = add_command(tag, name);
    add_list(command, "TAG", typed.tags, "", "One or more tags")
        ->expected(1, -1)
        ->allow_extra_args()
        ->required();
    add_list(command, "-s,--snapshot", typed.snapshots, "SNAP", "Which snapshot; may be repeated")
        ->allow_extra_args(false)
        ->required();
    add_filter(command, typed.filter);
  }
}

void add_pins(CLI::App& snapshots, TypedMarks& typed) {
  for (const char* const name : {"snapshots pin", "snapshots unpin"}) {
    CLI::App& command = add_command(snapshots, name);
    add_list(command, "SNAP", typed.snapshots, "", "Which snapshots")
        ->expected(1, -1)
        ->allow_extra_args()
        ->required();
    add_filter(command, typed.filter);
  }
}

CheckedArguments tag_values(TypedMarks& typed, const std::string& verb) {
  TagArguments arguments{.remove = verb == "remove", .tags = {}, .filter = {}};
  if (auto error = take_tags(typed.tags, arguments.tags)) {
    return *error;
  }
  if (auto error = take_filter(typed.filter, arguments.filter)) {
    return *error;
  }
  arguments.filter.names = std::move(typed.snapshots);
  return arguments;
}

CheckedArguments pin_values(TypedMarks& typed, const std::string& verb) {
  PinArguments arguments{.unpin = verb == "unpin", .filter = {}};
  if (auto error = take_filter(typed.filter, arguments.filter)) {
    return *error;
  }
  arguments.filter.names = std::move(typed.snapshots);
  return arguments;
}

}  // namespace cairn::cli
