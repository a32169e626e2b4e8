#include "mark_arguments.h"

#include <utility>

#include "option_words.h"

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
  }
}

void add_pins(CLI::App& snapshots, TypedMarks& typed) {
  for (const char* const name : {"snapshots pin", "snapshots unpin"}) {
    add_list(add_command(snapshots, name), "SNAP", typed.snapshots, "", "Which snapshots")
        ->expected(1, -1)
        ->allow_extra_args()
        ->required();
  }
}

CheckedArguments tag_values(TypedMarks& typed, const std::string& verb) {
  return TagArguments{.remove = verb == "remove",
                      .tags = std::move(typed.tags),
                      .snapshots = std::move(typed.snapshots)};
}

CheckedArguments pin_values(TypedMarks& typed, const std::string& verb) {
  return PinArguments{.unpin = verb == "unpin", .snapshots = std::move(typed.snapshots)};
}

}  // namespace cairn::cli
