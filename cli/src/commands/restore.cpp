#include "commands/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/version.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/restore.h"
#include "command_line/choice_options.h"
#include "command_line/option_values.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "context/restore_selection.h"
#include "io/absolute_path.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

using repo::RestoreAction;

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

/// True if existing objects may be changed or deleted.
bool may_overwrite(const repo::RestoreOptions& options) {
  return !options.dry_run && options.overwrite != repo::Overwrite::refuse &&
         (options.overwrite != repo::Overwrite::never || options.delete_extra);
}

/// What a restore with these options would do, without reading contents; reports nothing.
core::Result<repo::RestoreReport> preview(repo::Repository& repository,
                                          const repo::Snapshot& snapshot,
                                          repo::RestoreOptions options) {
  options.dry_run = true;
  if (options.overwrite == repo::Overwrite::always) {
    options.overwrite = repo::Overwrite::if_changed;
  }
  repo::Observer silent;
  return repo::restore(repository, snapshot, options, silent);
}

/// False if somebody could be asked and said no.
core::Result<bool> confirm(repo::Repository& repository, const RestoreArguments& arguments,
                           const repo::ListedSnapshot& listed, const repo::RestoreOptions& options,
                           const std::vector<std::string>& paths, const Context& context) {
  if (arguments.yes || context.console.json() || !context.streams.confirm) {
    return true;
  }
  CAIRN_TRY(const auto planned, preview(repository, listed.snapshot, options));
  const repo::RestoreChanges& changes = planned.changes;
  const std::string what = paths.size() == 1
                               ? paths.front()
                               : fmt::format("{} and {} more", paths.front(), paths.size() - 1);
  return context.streams.confirm(fmt::format(
      "snapshot {} of {} over {}: {} to be changed, {} to be made, {} to be deleted{}.\n"
      "Restore it? [y/N] ",
      listed.id.short_hex(), format_local_time(listed.snapshot.start, context.streams.clock),
      escape_text(what),
      format_count(
          changes.count(RestoreAction::updated) + changes.count(RestoreAction::metadata_set),
          "object"),
      changes.count(RestoreAction::created), changes.count(RestoreAction::deleted),
      arguments.no_restore_point ? ", without a restore point" : ""));
}

/// Files that a program writes while they are restored end in a mixed state.
void warn_of_open_files(const std::vector<std::string>& paths, Console& console) {
  constexpr std::size_t kTold = 5;
  const auto open = repo::files_open_for_writing(paths);
  for (std::size_t i = 0; i < std::min(kTold, open.size()); ++i) {
    console.warning(
        fmt::format("{} is open for writing in process {} ({}): stop it before its "
                    "files are restored",
                    escape_text(open[i].path), open[i].process, escape_text(open[i].program)));
  }
  if (open.size() > kTold) {
    console.warning(fmt::format("and {} more files are open for writing", open.size() - kTold));
  }
}

/// What the snapshot lacks of its source cannot be restored.
void warn_of_gaps(const repo::ListedSnapshot& listed, Console& console) {
  constexpr std::size_t kTold = 3;
  const repo::Snapshot& snapshot = listed.snapshot;
  if (snapshot.partial) {
    console.warning(fmt::format("snapshot {} is partial: it was ended before everything was read",
                                listed.id.short_hex()));
  }
  if (snapshot.problem_count == 0) {
    return;
  }
  std::string first;
  for (std::size_t i = 0; i < std::min(kTold, snapshot.problems.size()); ++i) {
    const repo::Problem& problem = snapshot.problems[i];
    first += fmt::format("{}{} ({})", i == 0 ? "" : ", ", problem.path, problem.reason);
  }
  console.warning(fmt::format("snapshot {} is incomplete: its backup had {}: {}{}",
                              listed.id.short_hex(),
                              format_count(snapshot.problem_count, "problem"), first,
                              snapshot.problem_count > kTold ? ", ..." : ""));
}

void say_changes(const repo::RestoreReport& report, bool dry_run, Console& console) {
  const repo::RestoreChanges& changes = report.changes;
  console.say(fmt::format(
      "{} created, {} updated, {} only owner, mode, time or attributes, {} unchanged, {} kept, {} "
      "deleted",
      changes.count(RestoreAction::created), changes.count(RestoreAction::updated),
      changes.count(RestoreAction::metadata_set), changes.count(RestoreAction::unchanged),
      changes.count(RestoreAction::kept), changes.count(RestoreAction::deleted)));
  console.say(fmt::format("{} {}, {} were there already", dry_run ? "would write at most" : "wrote",
                          format_size(report.bytes_written), format_size(report.bytes_kept)));
}

void say_skipped(const repo::RestoreReport& report, Console& console) {
  if (report.skipped_owner > 0) {
    console.say(fmt::format("{} kept the owner of this process: the recorded one was refused{}",
                            format_count(report.skipped_owner, "object"),
                            report.as_superuser ? " even to root" : ", only root may give it"));
  }
  if (report.skipped_set_id > 0) {
    console.say(fmt::format("{} lost set-user-id or set-group-id, which only counts with its owner",
                            format_count(report.skipped_set_id, "object")));
  }
  if (report.skipped_special > 0) {
    console.say(fmt::format("{} left out: only root can make them",
                            format_count(report.skipped_special, "device")));
  }
  if (report.skipped_attributes > 0) {
    console.say(fmt::format("{} left out: only root can set them",
                            format_count(report.skipped_attributes, "attribute")));
  }
  if (report.skipped_flags > 0) {
    console.say(fmt::format("{} left out: only root, or another file system, has them",
                            format_count(report.skipped_flags, "inode flag")));
  }
  for (const repo::Problem& skipped : report.skipped) {
    console.detail(fmt::format("left out: {}: {}", skipped.path, skipped.reason));
  }
}

void say_spared(const repo::RestoreReport& report, Console& console) {
  if (report.spared_unread > 0) {
    console.say(fmt::format("{} not deleted: the backup could not read what stood there",
                            format_count(report.spared_unread, "object")));
  }
  if (report.spared_left_out > 0) {
    console.say(fmt::format("{} not deleted: the backup had left them out",
                            format_count(report.spared_left_out, "object")));
  }
  if (report.spared_mounted > 0) {
    console.say(
        fmt::format("{} not deleted: on another file system, where the snapshot has "
                    "nothing",
                    format_count(report.spared_mounted, "object")));
  }
}

/// What was really done: not what was right already, was kept or failed.
repo::TreeCounts restored_now(const repo::RestoreReport& report) {
  repo::TreeCounts counts = report.restored;
  counts.files -= report.unchanged.files;
  counts.folders -= report.unchanged.folders;
  counts.bytes -= report.unchanged.bytes;
  return counts;
}

void say_report(const repo::RestoreReport& report, const repo::RestoreOptions& options,
                std::uint64_t elapsed_ns, Console& console) {
  const repo::TreeCounts counts = restored_now(report);
  const std::string standing =
      report.unchanged.files == 0
          ? std::string()
          : fmt::format("; {} stood there already", format_count(report.unchanged.files, "file"));
  console.say(fmt::format(
      "{} {}, {}, {} into {} in {}{}", options.dry_run ? "would restore" : "restored",
      format_count(counts.files, "file"), format_count(counts.folders, "folder"),
      format_size(counts.bytes), options.target, format_duration(elapsed_ns), standing));
  console.detail(
      fmt::format("read {} from the repository's packs", format_size(report.bytes_read)));
  if (options.overwrite != repo::Overwrite::refuse) {
    say_changes(report, options.dry_run, console);
  }
  say_spared(report, console);
  say_skipped(report, console);
  if (report.problem_count > 0) {
    console.say(fmt::format(
        "{}; {}", format_count(report.problem_count, "problem"),
        report.failed == 0
            ? std::string("everything was restored, but for some of its owners, "
                          "modes, times or attributes")
            : fmt::format("{} could not be restored", format_count(report.failed, "object"))));
  }
}

/// Protects what a restore overwrites.
struct Safeguards {
  bool confirmed = true;
  std::optional<repo::SnapshotId> restore_point;
};

core::Result<Safeguards> take_safeguards(repo::Repository& repository,
                                         const RestoreArguments& arguments,
                                         const repo::ListedSnapshot& listed,
                                         const repo::RestoreOptions& options, Context& context) {
  Safeguards safeguards;
  if (!may_overwrite(options)) {
    return safeguards;
  }
  ConsoleObserver observer(context.console, "read");
  CAIRN_TRY(const auto paths,
            repo::paths_to_overwrite(repository, listed.snapshot, options, observer));
  if (paths.empty()) {
    return safeguards;
  }
  warn_of_open_files(paths, context.console);
  CAIRN_TRY(safeguards.confirmed, confirm(repository, arguments, listed, options, paths, context));
  if (!safeguards.confirmed || arguments.no_restore_point) {
    return safeguards;
  }
  CAIRN_TRY(const auto point,
            repo::make_restore_point(
                repository,
                {.paths = paths,
                 .description = fmt::format("before a restore of {}", listed.id.short_hex()),
                 .program_version = std::string(core::version()),
                 .stop = options.stop,
                 .host = context.streams.variable("CAIRN_HOST")},
                observer));
  safeguards.restore_point = point.id;
  context.console.end_progress();
  if (point.id) {
    context.console.say(
        fmt::format("restore point {} made: what is overwritten now", point.id->short_hex()));
  }
  return safeguards;
}

/// The files that open the repository: without them nothing could be restored any more.
core::Result<std::vector<std::string>> files_with_keys(const Context& context) {
  std::vector<std::string> paths;
  for (const std::string& path : {context.global.key_file, context.global.password_file,
                                  context.streams.variable("CAIRN_KEY_FILE"),
                                  context.streams.variable("CAIRN_PASSWORD_FILE")}) {
    if (!path.empty()) {
      CAIRN_TRY(auto absolute, absolute_path(path, context.streams));
      paths.push_back(std::move(absolute));
    }
  }
  return paths;
}

void print_report(const repo::RestoreReport& report, const repo::ListedSnapshot& listed,
                  const Safeguards& safeguards, const repo::RestoreOptions& options,
                  std::uint64_t elapsed_ns, Console& console) {
  if (!console.json()) {
    say_report(report, options, elapsed_ns, console);
    return;
  }
  Json json = restore_view(report);
  json["snapshot"] = listed.id.hex();
  json["restore_point"] =
      safeguards.restore_point ? Json(safeguards.restore_point->hex()) : Json(nullptr);
  json["dry_run"] = options.dry_run;
  put_bytes(json, "target", options.target);
  json["seconds"] = seconds_view(elapsed_ns);
  console.print_json(json);
}

core::Result<repo::RestoreOptions> options_of(const RestoreArguments& arguments,
                                              std::shared_ptr<const RestoreSelection> selection,
                                              Context& context) {
  repo::RestoreOptions options;
  options.path = arguments.choice.path;
  CAIRN_TRY(options.target, absolute_path(arguments.target, context.streams));
  options.overwrite = arguments.overwrite;
  options.delete_extra = arguments.delete_extra;
  options.delete_excluded = arguments.delete_excluded;
  options.dry_run = arguments.dry_run;
  options.numeric_ids = arguments.numeric_ids;
  options.no_owner = arguments.no_owner;
  CAIRN_TRY(options.selects_xattr, xattr_selection(arguments));
  CAIRN_TRY(options.protects, files_with_keys(context));
  if (selection->chooses()) {
    options.selects = [selection](std::string_view path, bool is_folder) {
      return selection->selects(path, is_folder);
    };
    options.is_only_passed = [selection](std::string_view path) {
      return selection->is_only_passed(path);
    };
  }
  options.stop = context.streams.stop;
  return options;
}

/// Reports each pattern of --include that has matched nothing. True if there are any.
bool tell_unmatched(const RestoreSelection& selection, Console& console) {
  const auto unmatched = selection.unmatched();
  for (const std::string& pattern : unmatched) {
    console.warning(fmt::format("--include {} matched nothing", escape_text(pattern)));
  }
  return !unmatched.empty();
}

class RestoreCommand final : public CommandWith<RestoreArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedChoice choice_;
  std::string overwrite_;
};

void RestoreCommand::declare(CLI::App& app) {
  add_choice(app, choice_, "SNAP or SNAP:/path");
  add_text(app, "-t,--target", arguments_.target, "DIR", "Folder to write to")->required();
  add_text(app, "--overwrite", overwrite_, "WHEN",
           "What to do about files that are there:\n"
           "always      make each what the snapshot says\n"
           "if-changed  look only at those of another size or time\n"
           "if-newer    only where the snapshot's is newer\n"
           "never       keep them, restore what is missing");
  app.add_flag("--delete", arguments_.delete_extra,
               "Remove what the snapshot does not have from the folders\nthat are restored");
  app.add_flag("--delete-excluded", arguments_.delete_excluded,
               "The same, and what the backup was told to leave out, too");
  add_repeated(app, "-i,--include", arguments_.includes, "PATTERN",
               "Only what matches, with all below it; may be repeated");
  add_repeated(app, "-e,--exclude", arguments_.excludes, "PATTERN",
               "Not what matches; the syntax is that of gitignore(5)");
  add_repeated(app, "--include-file", arguments_.include_files, "FILE",
               "Patterns of --include from a file, one a line");
  add_repeated(app, "--exclude-file", arguments_.exclude_files, "FILE",
               "Patterns of --exclude from a file, one a line");
  app.add_flag("-n,--dry-run", arguments_.dry_run, "Say what would be done, write nothing");
  app.add_flag("-y,--yes", arguments_.yes, "Do not ask before overwriting or deleting");
  app.add_flag("--no-restore-point", arguments_.no_restore_point,
               "No snapshot of what is about to be overwritten");
  app.add_flag("--numeric-ids", arguments_.numeric_ids,
               "Owners by number, even if their names exist here");
  app.add_flag("--no-owner", arguments_.no_owner,
               "Leave owners as they are: files belong to who restores them");
  add_repeated(app, "--include-xattr", arguments_.include_xattrs, "PATTERN",
               "Only extended attributes (ACLs among them) of such names");
  add_repeated(app, "--exclude-xattr", arguments_.exclude_xattrs, "PATTERN",
               "No extended attributes of such names: '*' for none at all");
}

std::optional<UsageError> RestoreCommand::check(const CommandLine& /*line*/) {
  if (auto error = take_choice(choice_, arguments_.choice)) {
    return error;
  }
  if (arguments_.target.empty()) {
    return usage_error("--target is empty");
  }
  arguments_.delete_extra = arguments_.delete_extra || arguments_.delete_excluded;
  if (arguments_.no_owner && arguments_.numeric_ids) {
    return usage_error("--no-owner and --numeric-ids exclude each other");
  }
  if (!overwrite_.empty()) {
    const auto overwrite = overwrite_policy(overwrite_);
    if (!overwrite) {
      return usage_error(
          fmt::format("--overwrite {}: must be always, if-changed, if-newer or never", overwrite_));
    }
    arguments_.overwrite = *overwrite;
  } else if (arguments_.delete_extra) {
    return usage_error(
        "--delete needs --overwrite, which says what happens to files that are there");
  }
  if (auto error = check_patterns("--include", arguments_.includes)) {
    return error;
  }
  if (auto error = check_patterns("--exclude", arguments_.excludes)) {
    return error;
  }
  if (auto error = check_patterns("--include-xattr", arguments_.include_xattrs)) {
    return error;
  }
  return check_patterns("--exclude-xattr", arguments_.exclude_xattrs);
}

core::Result<ExitCode> RestoreCommand::run(Context& context) const {
  Streams& streams = context.streams;
  Console& console = context.console;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(console, "restore");
  CAIRN_TRY(const auto selection, RestoreSelection::make(arguments_, streams));
  CAIRN_TRY(const repo::RestoreOptions options, options_of(arguments_, selection, context));
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments_.choice, context, observer));
  warn_of_gaps(listed, console);
  CAIRN_TRY(const Safeguards safeguards,
            take_safeguards(repository, arguments_, listed, options, context));
  if (!safeguards.confirmed) {
    console.say("nothing was restored");
    return ExitCode::failed;
  }
  auto report = repo::restore(repository, listed.snapshot, options, observer);
  if (!report) {
    if (report.error().code() == core::ErrorCode::not_found) {
      tell_unmatched(*selection, console);
    }
    return core::fail(std::move(report).error());
  }
  print_report(*report, listed, safeguards, options, streams.clock.monotonic_ns() - start_ns,
               console);
  const bool lacks_patterns = tell_unmatched(*selection, console);
  const bool lacks_owners = report->as_superuser && report->skipped_owner > 0;
  return report->problem_count > 0 || lacks_owners || lacks_patterns ? ExitCode::failed
                                                                     : ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kRestoreCommand = {
    .name = "restore",
    .summary = "Write a snapshot, a folder or a file back to disk",
    .details =
        "Without a path the snapshot's absolute paths are made again below DIR. With a path\n"
        "DIR gets the contents of that folder, or that file. What is damaged is named, the\n"
        "rest is restored, and the exit status is 1.\n"
        "\n"
        "A DIR that is not empty needs --overwrite. Files are then compared piece by piece:\n"
        "only what differs is fetched and written. Before anything that is there is changed\n"
        "or deleted, the terminal is asked, and a snapshot of it is made: a restore point to\n"
        "go back with, named by its id, since latest and --at pass over it. Nothing is asked\n"
        "in scripts: where standard input or standard error is no terminal, or with --yes or\n"
        "--json.\n"
        "\n"
        "A restore that was interrupted is finished by the same command with\n"
        "--overwrite if-changed. A file appears under its name only when all its bytes are\n"
        "checked and written; large files that are there are changed in place, on file\n"
        "systems without reflinks, once all that differs has been fetched and checked.\n"
        "\n"
        "--delete spares what the backup was told to leave out (--delete-excluded does not),\n"
        "what it could not read, the repository itself, the cache, and files with keys. The\n"
        "log of an SQLite database that stands beside one that is restored goes with it.\n"
        "An owner or attribute that cannot be set costs no file: it is counted and told.\n",
    .examples =
        "  cairn restore latest --target /mnt/restored\n"
        "  cairn restore latest:/home/ada/mail --target ~/mail-from-backup\n"
        "  cairn restore latest:/srv/db --target /srv/db --overwrite always --delete\n"
        "  cairn restore latest --target / --overwrite if-changed --dry-run --verbose\n"
        "  cairn restore --at \"2026-01-01 14:30\" /etc --target /tmp/etc\n",
    .json = JsonForm::lines,
    .make = make_command<RestoreCommand>,
};

}  // namespace cairn::cli
