#include "command_line/restore_arguments.h"

#include <fmt/format.h>

#include <utility>

#include "command_line/backup_arguments.h"
#include "command_line/option_words.h"

namespace cairn::cli {
namespace {

std::optional<repo::Overwrite> overwrite_policy(std::string_view text) {
  using repo::Overwrite;
  for (const Overwrite overwrite :
       {Overwrite::always, Overwrite::if_changed, Overwrite::if_newer, Overwrite::never}) {
    if (text == to_string(overwrite)) {
      return overwrite;
    }
  }
  return std::nullopt;
}

}  // namespace

void add_restore(CLI::App& app, TypedRestore& typed) {
  CLI::App& restore = add_command(app, "restore");
  add_choice(restore, typed.choice, "SNAP or SNAP:/path");
  add_text(restore, "-t,--target", typed.checked.target, "DIR", "Folder to write to")->required();
  add_text(restore, "--overwrite", typed.overwrite, "WHEN",
           "What to do about files that are there:\n"
           "always      make each what the snapshot says\n"
           "if-changed  look only at those of another size or time\n"
           "if-newer    only where the snapshot's is newer\n"
           "never       keep them, restore what is missing");
  restore.add_flag("--delete", typed.checked.delete_extra,
                   "Remove what the snapshot does not have from the folders\nthat are restored");
  restore.add_flag("--delete-excluded", typed.checked.delete_excluded,
                   "The same, and what the backup was told to leave out, too");
  add_list(restore, "-i,--include", typed.checked.includes, "PATTERN",
           "Only what matches, with all below it; may be repeated")
      ->allow_extra_args(false);
  add_list(restore, "-e,--exclude", typed.checked.excludes, "PATTERN",
           "Not what matches; the syntax is that of gitignore(5)")
      ->allow_extra_args(false);
  add_list(restore, "--include-file", typed.checked.include_files, "FILE",
           "Patterns of --include from a file, one a line")
      ->allow_extra_args(false);
  add_list(restore, "--exclude-file", typed.checked.exclude_files, "FILE",
           "Patterns of --exclude from a file, one a line")
      ->allow_extra_args(false);
  restore.add_flag("-n,--dry-run", typed.checked.dry_run, "Say what would be done, write nothing");
  restore.add_flag("-y,--yes", typed.checked.yes, "Do not ask before overwriting or deleting");
  restore.add_flag("--no-restore-point", typed.checked.no_restore_point,
                   "No snapshot of what is about to be overwritten");
  restore.add_flag("--numeric-ids", typed.checked.numeric_ids,
                   "Owners by number, even if their names exist here");
  restore.add_flag("--no-owner", typed.checked.no_owner,
                   "Leave owners as they are: files belong to who restores them");
  add_list(restore, "--include-xattr", typed.checked.include_xattrs, "PATTERN",
           "Only extended attributes (ACLs among them) of such names")
      ->allow_extra_args(false);
  add_list(restore, "--exclude-xattr", typed.checked.exclude_xattrs, "PATTERN",
           "No extended attributes of such names: '*' for none at all")
      ->allow_extra_args(false);
}

CheckedArguments restore_values(TypedRestore& typed) {
  if (auto error = choose(typed.choice, typed.checked.choice)) {
    return *error;
  }
  if (typed.checked.target.empty()) {
    return usage_error("--target is empty");
  }
  typed.checked.delete_extra = typed.checked.delete_extra || typed.checked.delete_excluded;
  if (typed.checked.no_owner && typed.checked.numeric_ids) {
    return usage_error("--no-owner and --numeric-ids exclude each other");
  }
  if (!typed.overwrite.empty()) {
    const auto overwrite = overwrite_policy(typed.overwrite);
    if (!overwrite) {
      return usage_error(fmt::format(
          "--overwrite {}: must be always, if-changed, if-newer or never", typed.overwrite));
    }
    typed.checked.overwrite = *overwrite;
  } else if (typed.checked.delete_extra) {
    return usage_error(
        "--delete needs --overwrite, which says what happens to files that are there");
  }
  if (auto error = check_patterns("--include", typed.checked.includes)) {
    return *error;
  }
  if (auto error = check_patterns("--exclude", typed.checked.excludes)) {
    return *error;
  }
  if (auto error = check_patterns("--include-xattr", typed.checked.include_xattrs)) {
    return *error;
  }
  if (auto error = check_patterns("--exclude-xattr", typed.checked.exclude_xattrs)) {
    return *error;
  }
  return std::move(typed.checked);
}

}  // namespace cairn::cli
