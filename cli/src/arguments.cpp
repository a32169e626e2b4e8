#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "backup_arguments.h"
#include "cairn/repo/browse.h"
#include "command_help.h"
#include "copy_arguments.h"
#include "forget_arguments.h"
#include "looking_arguments.h"
#include "mark_arguments.h"
#include "option_words.h"
#include "prune_arguments.h"
#include "repair_arguments.h"
#include "settings_arguments.h"

/// Declares the options of all commands. CLI11's exceptions end here.
namespace cairn::cli {
namespace {

void add_global(CLI::App& app, GlobalArguments& global) {
  constexpr const char* kGroup = "Options of every command";
  add_text(app, "-r,--repo", global.repository, "REPO", "Folder of the repository")->group(kGroup);
  add_text(app, "--password-file", global.password_file, "FILE",
           "Passphrase from a file, - for standard input")
      ->group(kGroup);
  add_text(app, "--key-file", global.key_file, "FILE", "Key file of 32 bytes")->group(kGroup);
  app.add_flag("--json", global.json, "JSON on standard output: one object, or lines")
      ->group(kGroup);
  app.add_flag("-q,--quiet", global.quiet, "Only results that were asked for, and errors")
      ->group(kGroup);
  app.add_flag("-v,--verbose", global.verbose, "Say on standard error what is done")->group(kGroup);
  app.add_flag("--no-progress", global.no_progress, "No progress line")->group(kGroup);
  app.set_help_flag("-h,--help", "Explain this command")->group(kGroup);
}

/// The words of all commands, as typed.
struct TypedArguments {
  GlobalArguments global;
  TypedSettings settings;
  TypedBackup backup;
  std::string what;  ///< SNAP[:/path], or a path with --at
  std::string at;
  SnapshotsArguments snapshots;
  LsArguments ls;
  TypedFind find;
  TypedDiff diff;
  DumpArguments dump;
  std::string format;
  RestoreArguments restore;
  std::string overwrite;
  TypedCopy copy;
  TypedMarks marks;
  TypedForget forget;
  TypedPrune prune;
  TypedRepair repair;
  StatsArguments stats;
  VerifyArguments verify;
  bool verify_latest = false;
  bool verify_all = false;
  KeyAddArguments key_add;
  std::string role = "admin";
  KeyRemoveArguments key_remove;
  NewCredentialArguments new_credentials;
  std::vector<std::string> help_topic;
};

/// On this command and all below it, after their own options, which help shows first.
void add_global_everywhere(CLI::App& app, GlobalArguments& global) {
  add_global(app, global);
  for (CLI::App* const command : app.get_subcommands([](CLI::App*) { return true; })) {
    add_global_everywhere(*command, global);
  }
}

void add_choice(CLI::App& command, TypedArguments& typed, const char* description) {
  add_text(command, "SNAP", typed.what, "", description);
  add_text(command, "--at", typed.at, "TIME",
           "Instead of SNAP: the newest snapshot at or before this time,\n"
           "\"2026-01-01 14:30\" (local) or RFC 3339");
}

void add_backup_choice(CLI::App& command, BackupArguments& backup, TypedBackup& typed) {
  constexpr const char* kGroup = "What is left out";
  const auto repeated = [&](const char* names, std::vector<std::string>& values,
                            const char* placeholder, const char* description) {
    add_list(command, names, values, placeholder, description)
        ->allow_extra_args(false)
        ->group(kGroup);
  };
  repeated("-e,--exclude", backup.excludes, "PATTERN",
           "Leave out what matches; the syntax is that of gitignore(5)");
  repeated("--include", backup.includes, "PATTERN", "Take back what --exclude left out");
  repeated("--exclude-file", backup.exclude_files, "FILE", "Patterns from a file, one a line");
  repeated("--exclude-if-present", backup.exclude_if_present, "NAME",
           "Of folders that hold NAME, keep only that");
  command
      .add_flag("--exclude-caches", backup.exclude_caches,
                "Of folders with a CACHEDIR.TAG, keep only that")
      ->group(kGroup);
  add_text(command, "--exclude-larger-than", typed.larger_than, "SIZE", "Files of more than SIZE")
      ->group(kGroup);
  command.add_flag("--exclude-nodump", backup.exclude_nodump, "What carries the nodump flag")
      ->group(kGroup);
  command
      .add_flag("-x,--one-file-system", backup.one_file_system,
                "Folders on other file systems: keep them empty")
      ->group(kGroup);
}

void add_backup_sources(CLI::App& command, BackupArguments& backup) {
  constexpr const char* kGroup = "Where it comes from";
  add_list(command, "--files-from", backup.files_from, "FILE",
           "Paths from a file, one a line; - is standard input")
      ->allow_extra_args(false)
      ->group(kGroup);
  add_list(command, "--files-from0", backup.files_from0, "FILE", "The same, each ended by a NUL")
      ->allow_extra_args(false)
      ->group(kGroup);
  command.add_flag("--stdin", backup.from_stdin, "Standard input, as a file")->group(kGroup);
  command
      .add_flag("--stdin-command", backup.stdin_command,
                "Output of a command, given behind --; if it fails there is\nno snapshot")
      ->group(kGroup);
  add_text(command, "--stdin-name", backup.stdin_name, "NAME", "What that file is called (stdin)")
      ->group(kGroup);
}

void add_backup(CLI::App& app, TypedArguments& typed) {
  CLI::App& command = add_command(app, "backup");
  BackupArguments& backup = typed.backup.checked;
  add_list(command, "PATH", backup.paths, "", "Files and folders")
      ->expected(0, -1)
      ->allow_extra_args();
  add_list(command, "--tag", backup.tags, "TAG", "Label of the snapshot; may be repeated")
      ->allow_extra_args(false);
  add_text(command, "--name", backup.name, "NAME", "Name of the set that this snapshot belongs to");
  add_text(command, "--description", backup.description, "TEXT", "What to remember about it");
  add_text(command, "--type", typed.backup.type, "TYPE",
           "manual (default), hourly, daily, weekly, monthly or restore_point");
  add_text(command, "--compression", typed.backup.compression, "LEVEL",
           "fast, default, max, or 0 (none) to 19");
  command.add_flag("-n,--dry-run", backup.dry_run,
                   "Write nothing; with --verbose, list what has changed");
  command.add_flag("--force-rehash", backup.force_rehash,
                   "Read every file, even those that seem unchanged");
  add_text(command, "--rehash-sample", typed.backup.rehash_sample, "PART",
           "Read this part of the unchanged files again, 1%, and\nreport those whose bytes differ");
  add_text(command, "--time-limit", typed.backup.time_limit, "TIME",
           "Stop after 30m or 2h with a partial snapshot");
  add_backup_sources(command, backup);
  add_backup_choice(command, backup, typed.backup);
}

void add_tags_and_hosts(CLI::App& command, std::vector<std::string>& tags,
                        std::vector<std::string>& hosts) {
  add_list(command, "--tag", tags, "TAG", "Only snapshots with one of these tags; may be repeated")
      ->allow_extra_args(false);
  add_list(command, "--host", hosts, "HOST",
           "Only snapshots of one of these hosts; may be repeated")
      ->allow_extra_args(false);
}

void add_snapshots(CLI::App& app, SnapshotsArguments& snapshots, TypedMarks& marks) {
  CLI::App& command = add_command(app, "snapshots");
  add_list(command, "SNAP", snapshots.snapshots, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  add_tags_and_hosts(command, snapshots.tags, snapshots.hosts);
  add_pins(command, marks);
}

void add_find(CLI::App& app, TypedArguments& typed) {
  CLI::App& find = add_command(app, "find");
  add_list(find, "PATTERN", typed.find.checked.patterns, "",
           "For names, or for paths if it has a /: * ? [...] **")
      ->expected(1, -1)
      ->allow_extra_args();
  add_text(find, "--versions", typed.find.checked.versions_of, "PATH",
           "Instead of PATTERN: every version of this one path");
  add_list(find, "-s,--snapshot", typed.find.checked.snapshots, "SNAP",
           "Only in this snapshot; may be repeated")
      ->allow_extra_args(false);
  add_tags_and_hosts(find, typed.find.checked.tags, typed.find.checked.hosts);
  add_text(find, "--newer", typed.find.newer, "TIME", "Modified after this time");
  add_text(find, "--older", typed.find.older, "TIME", "Modified at this time or before");
  add_text(find, "--larger", typed.find.larger, "SIZE",
           "Files of more than this: 500, 10K, 1.5M, 2G");
  add_text(find, "--smaller", typed.find.smaller, "SIZE", "Files of less than this");
  add_text(find, "--type", typed.find.type, "TYPE", "f (file), d (folder) or l (symbolic link)");
  find.add_flag("-i,--ignore-case", typed.find.checked.ignore_case, "A is a, for ASCII letters");
}

void add_browsing(CLI::App& app, TypedArguments& typed) {
  CLI::App& ls = add_command(app, "ls");
  add_choice(ls, typed, "SNAP or SNAP:/path");
  ls.add_flag("-l,--long", typed.ls.long_format, "Mode, owner, size and time too");
  ls.add_flag("-R,--recursive", typed.ls.recursive, "What lies in folders below, too");
  ls.add_flag("-0,--print0", typed.ls.print0, "Names as they are, each ended by a NUL");

  add_find(app, typed);
  CLI::App& diff = add_command(app, "diff");
  add_text(diff, "BEFORE", typed.diff.before, "", "SNAP, SNAP:/path, or a path on disk")
      ->required();
  add_text(diff, "AFTER", typed.diff.after, "", "The same; one of the two must be a snapshot")
      ->required();
  diff.add_flag("--checksum", typed.diff.checked.checksum,
                "Read files on disk even if their size and time are as recorded");

  CLI::App& dump = add_command(app, "dump");
  add_choice(dump, typed, "SNAP:/path");
  add_text(dump, "-o,--output,--target", typed.dump.output, "FILE", "A new file instead");
  add_text(dump, "--format", typed.format, "FORMAT",
           "tar: an archive of a single file, too (folders always are)");
}

void add_restore(CLI::App& app, TypedArguments& typed) {
  CLI::App& restore = add_command(app, "restore");
  add_choice(restore, typed, "SNAP or SNAP:/path");
  add_text(restore, "-t,--target", typed.restore.target, "DIR", "Folder to write to")->required();
  add_text(restore, "--overwrite", typed.overwrite, "WHEN",
           "What to do about files that are there:\n"
           "always      make each what the snapshot says\n"
           "if-changed  look only at those of another size or time\n"
           "if-newer    only where the snapshot's is newer\n"
           "never       keep them, restore what is missing");
  restore.add_flag("--delete", typed.restore.delete_extra,
                   "Remove what the snapshot does not have from the folders\nthat are restored");
  add_list(restore, "-i,--include", typed.restore.includes, "PATTERN",
           "Only what matches, with all below it; may be repeated")
      ->allow_extra_args(false);
  add_list(restore, "-e,--exclude", typed.restore.excludes, "PATTERN",
           "Not what matches; the syntax is that of gitignore(5)")
      ->allow_extra_args(false);
  restore.add_flag("-n,--dry-run", typed.restore.dry_run, "Say what would be done, write nothing");
  restore.add_flag("-y,--yes", typed.restore.yes, "Do not ask before overwriting or deleting");
  restore.add_flag("--no-restore-point", typed.restore.no_restore_point,
                   "No snapshot of what is about to be overwritten");
  restore.add_flag("--numeric-ids", typed.restore.numeric_ids,
                   "Owners by number, even if their names exist here");
}

void add_verify(CLI::App& app, TypedArguments& typed) {
  CLI::App& command = add_command(app, "verify");
  add_list(command, "SNAP", typed.verify.snapshots, "", "Only these snapshots")
      ->expected(1, -1)
      ->allow_extra_args();
  command.add_flag("--latest", typed.verify_latest, "Only the newest snapshot");
  command.add_flag("--all", typed.verify_all, "Everything in the repository (default)");
  command.add_flag("--check-integrity", typed.verify.check_integrity, "Read every byte");
}

void add_stats(CLI::App& app, StatsArguments& stats) {
  add_list(add_command(app, "stats"), "--would-free", stats.would_free, "SNAP|PATH",
           "What it would give back to forget these snapshots, and to exclude these paths");
}

void add_new_credentials(CLI::App& command, TypedArguments& typed) {
  add_text(command, "--new-password-file", typed.new_credentials.password_file, "FILE",
           "New passphrase from a file, - for standard input");
  add_text(command, "--new-key-file", typed.new_credentials.key_file, "FILE",
           "New key file; made if it does not exist");
}

void add_key(CLI::App& app, TypedArguments& typed) {
  CLI::App& key = add_command(app, "key");
  key.require_subcommand(1);
  add_command(key, "key list");
  CLI::App& add = add_command(key, "key add");
  add_text(add, "--role", typed.role, "ROLE",
           "admin (default), backup, restore, maintain or audit");
  add_text(add, "--name", typed.key_add.name, "NAME", "What to call the key");
  add_new_credentials(add, typed);
  CLI::App& remove = add_command(key, "key remove");
  add_text(remove, "ID", typed.key_remove.id_prefix, "", "Beginning of the key's id")->required();
  add_new_credentials(add_command(key, "key passwd"), typed);
}

void declare(CLI::App& app, TypedArguments& typed) {
  app.name("cairn");
  app.description("Content-addressed, deduplicating, encrypted snapshots");
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.require_subcommand(1);
  app.footer(std::string(program_footer()));
  app.set_version_flag("--version", "", "Print the version");
  add_init(app, typed.settings);
  add_backup(app, typed);
  add_snapshots(app, typed.snapshots, typed.marks);
  add_tag(app, typed.marks);
  add_browsing(app, typed);
  add_restore(app, typed);
  add_copy(app, typed.copy);
  add_verify(app, typed);
  add_forget(app, typed.forget);
  add_prune(app, typed.prune);
  add_repair(app, typed.repair);
  add_rewrite(app, typed.repair);
  add_stats(app, typed.stats);
  add_config(app, typed.settings);
  add_key(app, typed);
  add_command(app, "version");
  add_list(add_command(app, "help"), "COMMAND", typed.help_topic, "", "What to explain")
      ->expected(1, -1)
      ->allow_extra_args();
  add_global_everywhere(app, typed.global);
}

// --- From words to values -----------------------------------------------------------------------

CheckedArguments ls_values(TypedArguments& typed) {
  if (auto error = choose(typed.what, typed.at, typed.ls.choice)) {
    return *error;
  }
  if (typed.ls.print0 && (typed.ls.long_format || typed.global.json)) {
    return usage_error("--print0 goes neither with --long nor with --json");
  }
  return std::move(typed.ls);
}

CheckedArguments dump_values(TypedArguments& typed) {
  if (auto error = choose(typed.what, typed.at, typed.dump.choice)) {
    return *error;
  }
  if (typed.dump.choice.path.empty()) {
    return usage_error("dump needs the path of a file or folder: SNAP:/path");
  }
  if (!typed.format.empty() && typed.format != "tar") {
    return usage_error(fmt::format("--format {}: must be tar", typed.format));
  }
  typed.dump.as_tar = typed.format == "tar";
  return std::move(typed.dump);
}

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

CheckedArguments restore_values(TypedArguments& typed) {
  if (auto error = choose(typed.what, typed.at, typed.restore.choice)) {
    return *error;
  }
  if (typed.restore.target.empty()) {
    return usage_error("--target is empty");
  }
  if (!typed.overwrite.empty()) {
    const auto overwrite = overwrite_policy(typed.overwrite);
    if (!overwrite) {
      return usage_error(fmt::format(
          "--overwrite {}: must be always, if-changed, if-newer or never", typed.overwrite));
    }
    typed.restore.overwrite = *overwrite;
  } else if (typed.restore.delete_extra) {
    return usage_error(
        "--delete needs --overwrite, which says what happens to files that are there");
  }
  if (auto error = check_patterns("--include", typed.restore.includes)) {
    return *error;
  }
  if (auto error = check_patterns("--exclude", typed.restore.excludes)) {
    return *error;
  }
  return std::move(typed.restore);
}

CheckedArguments verify_values(TypedArguments& typed) {
  const int ways = (typed.verify.snapshots.empty() ? 0 : 1) + (typed.verify_latest ? 1 : 0) +
                   (typed.verify_all ? 1 : 0);
  if (ways > 1) {
    return usage_error("give only one of SNAP, --latest and --all");
  }
  if (typed.verify_latest) {
    typed.verify.snapshots = {"latest"};
  }
  return std::move(typed.verify);
}

std::optional<UsageError> check_new_credentials(const NewCredentialArguments& credentials) {
  if (!credentials.password_file.empty() && !credentials.key_file.empty()) {
    return usage_error("give only one of --new-password-file and --new-key-file");
  }
  return std::nullopt;
}

CheckedArguments key_values(TypedArguments& typed, const std::string& name) {
  if (auto error = check_new_credentials(typed.new_credentials)) {
    return *error;
  }
  if (name == "add") {
    const auto role = repo::role_from_string(typed.role);
    if (!role) {
      return usage_error(
          fmt::format("--role {}: must be admin, backup, restore, maintain or audit", typed.role));
    }
    typed.key_add.role = *role;
    typed.key_add.credentials = std::move(typed.new_credentials);
    return std::move(typed.key_add);
  }
  if (name == "remove") {
    return std::move(typed.key_remove);
  }
  if (name == "passwd") {
    return KeyPasswdArguments{std::move(typed.new_credentials)};
  }
  return KeyListArguments{};
}

CheckedArguments snapshots_values(TypedArguments& typed, const CLI::App& command) {
  const SnapshotsArguments& list = typed.snapshots;
  if (command.get_subcommands().empty()) {
    return std::move(typed.snapshots);
  }
  const std::string& verb = command.get_subcommands().front()->get_name();
  if (!list.snapshots.empty() || !list.tags.empty() || !list.hosts.empty()) {
    return usage_error(
        fmt::format("snapshots {} takes snapshots behind it, and nothing else", verb));
  }
  return pin_values(typed.marks, verb);
}

CheckedArguments values_of(const CLI::App& command, TypedArguments& typed) {
  const std::string& name = command.get_name();
  if (name == "backup") {
    return backup_values(typed.backup);
  }
  if (name == "ls") {
    return ls_values(typed);
  }
  if (name == "find") {
    return find_values(typed.find);
  }
  if (name == "diff") {
    return diff_values(typed.diff);
  }
  if (name == "dump") {
    return dump_values(typed);
  }
  if (name == "restore") {
    return restore_values(typed);
  }
  if (name == "copy") {
    return copy_values(typed.copy);
  }
  if (name == "tag") {
    return tag_values(typed.marks, command.get_subcommands().front()->get_name());
  }
  if (name == "forget") {
    return forget_values(typed.forget);
  }
  if (name == "prune") {
    return prune_values(typed.prune);
  }
  if (name == "verify") {
    return verify_values(typed);
  }
  if (name == "key") {
    return key_values(typed, command.get_subcommands().front()->get_name());
  }
  if (name == "init") {
    return init_values(typed.settings);
  }
  if (name == "config") {
    return config_values(typed.settings);
  }
  if (name == "snapshots") {
    return snapshots_values(typed, command);
  }
  if (name == "repair") {
    return repair_values(typed.repair, command.get_subcommands().front()->get_name());
  }
  if (name == "rewrite") {
    return rewrite_values(typed.repair);
  }
  if (name == "stats") {
    return std::move(typed.stats);
  }
  return VersionArguments{};
}

// --- Help and mistakes --------------------------------------------------------------------------

/// The command that was reached: "cairn key add".
std::string reached_name(const CLI::App& app) {
  std::string name = "cairn";
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  return name;
}

ParsedArguments help_on(const std::vector<std::string>& topic) {
  // An application that has not parsed anything: one that has explains the command it found.
  TypedArguments untouched;
  CLI::App app;
  declare(app, untouched);
  const CLI::App* at = &app;
  std::string above;
  for (const std::string& word : topic) {
    const std::vector<const CLI::App*> found = at->get_subcommands(
        [&word](const CLI::App* command) { return command->get_name() == word; });
    if (found.empty()) {
      return UsageError{fmt::format("there is no command \"{}\"", fmt::join(topic, " ")),
                        "see cairn --help"};
    }
    above += (above.empty() ? "" : " ") + at->get_name();
    at = found.front();
  }
  return HelpText{at->help(above)};
}

ParsedArguments mistake(const CLI::App& app, const std::string& message) {
  const std::string reached = reached_name(app);
  std::string hint = fmt::format("see {} --help", reached);
  if (app.get_subcommands().empty()) {
    for (const std::string& word : app.remaining()) {
      if (!word.starts_with('-')) {
        return UsageError{fmt::format("there is no command \"{}\"", without_shields(word)), hint};
      }
    }
  }
  std::string text = without_shields(message);
  // A word in capitals is a placeholder: "SNAP is required".
  const auto is_capital = [&text](std::size_t i) { return text[i] >= 'A' && text[i] <= 'Z'; };
  if (text.size() > 1 && is_capital(0) && !is_capital(1)) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return UsageError{std::move(text), std::move(hint)};
}

ParsedArguments parse(std::span<const std::string> args) {
  TypedArguments typed;
  CLI::App app;
  declare(app, typed);
  std::vector<std::string> words;
  bool only_values = false;
  for (const std::string& arg : args) {
    if (!only_values && arg == "--") {
      only_values = true;
    } else {
      words.push_back(only_values ? hide(arg) : shield(arg));
    }
  }
  std::ranges::reverse(words);  // CLI11 takes them from the end
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForVersion&) {
    return Invocation{typed.global, VersionArguments{}};
  } catch (const CLI::CallForHelp&) {
    return HelpText{app.help()};
  } catch (const CLI::Error& error) {
    return mistake(app, error.what());
  }
  const CLI::App& command = *app.get_subcommands().front();
  if (command.get_name() == "help") {
    return help_on(typed.help_topic);
  }
  if (!typed.global.password_file.empty() && !typed.global.key_file.empty()) {
    return UsageError{"give only one of --password-file and --key-file", {}};
  }
  CheckedArguments values = values_of(command, typed);
  if (auto* const error = std::get_if<UsageError>(&values)) {
    return UsageError{std::move(error->message), fmt::format("see {} --help", reached_name(app))};
  }
  return Invocation{std::move(typed.global), std::get<CommandArguments>(std::move(values))};
}

}  // namespace

ParsedArguments parse_arguments(std::span<const std::string> args) {
  try {
    return parse(args);
  } catch (const std::exception& error) {
    return UsageError{fmt::format("the command line cannot be read: {}", error.what()),
                      "see cairn --help"};
  }
}

}  // namespace cairn::cli
