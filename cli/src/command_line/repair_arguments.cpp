#include "command_line/repair_arguments.h"

#include <utility>

#include "command_line/copy_arguments.h"
#include "command_line/option_words.h"

namespace cairn::cli {

namespace {

/// Which snapshots, and what becomes of them.
void add_choice(CLI::App& command, RewriteArguments& rewrite, TypedFilter& filter) {
  add_list(command, "SNAP", rewrite.filter.names, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  command.add_flag("--forget", rewrite.forget, "Forget the snapshots that were replaced");
  command.add_flag("-y,--yes", rewrite.yes, "Do not ask before forgetting");
  command.add_flag("-n,--dry-run", rewrite.dry_run, "Say what would change, write nothing");
  add_filter(command, filter);
}

}  // namespace

void add_repair(CLI::App& app, TypedRepair& typed) {
  CLI::App& repair = add_command(app, "repair");
  repair.require_subcommand(1);
  CLI::App& objects = add_command(repair, "repair objects");
  objects.add_flag("-n,--dry-run", typed.objects.dry_run, "Say what is wrong, write nothing");

  CLI::App& index = add_command(repair, "repair index");
  index.add_flag("-n,--dry-run", typed.index.dry_run, "Say what is wrong, write nothing");

  CLI::App& packs = add_command(repair, "repair packs");
  add_list(packs, "PACK", typed.packs.packs, "", "Only these packs, as verify names them")
      ->expected(1, -1)
      ->allow_extra_args();
  add_list(packs, "--from-source", typed.packs.sources, "PATH",
           "Look for what is lost in these files and folders; may be repeated")
      ->allow_extra_args(false);
  add_from(packs, typed.packs.from, "Look for it in this repository, too");
  packs.add_flag("-n,--dry-run", typed.packs.dry_run, "Say what is wrong, write nothing");

  add_choice(add_command(repair, "repair snapshots"), typed.snapshots, typed.snapshots_filter);
}

void add_rewrite(CLI::App& app, TypedRepair& typed) {
  CLI::App& command = add_command(app, "rewrite");
  add_choice(command, typed.rewrite, typed.rewrite_filter);
  add_list(command, "-e,--exclude", typed.rewrite.excludes, "PATTERN",
           "Leave out what matches; may be repeated")
      ->allow_extra_args(false);
  add_list(command, "--exclude-file", typed.rewrite.exclude_files, "FILE",
           "Patterns from a file, one a line")
      ->allow_extra_args(false);
}

CheckedArguments repair_values(TypedRepair& typed, const std::string& verb) {
  if (verb == "objects") {
    return typed.objects;
  }
  if (verb == "index") {
    return typed.index;
  }
  if (verb == "packs") {
    if (auto error = check_from(typed.packs.from)) {
      return *error;
    }
    return std::move(typed.packs);
  }
  if (auto error = take_filter(typed.snapshots_filter, typed.snapshots.filter)) {
    return *error;
  }
  typed.snapshots.mend = true;
  return std::move(typed.snapshots);
}

CheckedArguments rewrite_values(TypedRepair& typed) {
  if (auto error = take_filter(typed.rewrite_filter, typed.rewrite.filter)) {
    return *error;
  }
  if (typed.rewrite.excludes.empty() && typed.rewrite.exclude_files.empty()) {
    return usage_error("say what to leave out: --exclude or --exclude-file");
  }
  return std::move(typed.rewrite);
}

}  // namespace cairn::cli
