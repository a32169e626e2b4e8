#include "commands/backup.h"

#include <fmt/format.h>

#include <fmt/ranges.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/version.h"
#include "cairn/repo/backup.h"
#include "command_line/filter_options.h"
#include "command_line/option_values.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "context/backup_sources.h"
#include "io/absolute_path.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

/// Where the time went. Threads work at the same time, so the sum is more than the elapsed time.
void say_stages(const std::vector<repo::StageTime>& stages, Console& console) {
  console.say("seconds of all threads:");
  for (const repo::StageTime& stage : stages) {
    const auto ns = static_cast<double>(stage.ns);
    const std::string per_byte =
        stage.bytes == 0 ? std::string()
                         : fmt::format("{:>12}  {:5.2f} ns a byte", format_size(stage.bytes),
                                       ns / static_cast<double>(stage.bytes));
    console.say(fmt::format("  {:8} {:8.3f}{}", stage.name, ns / 1e9, per_byte));
  }
}

void say_report(const repo::BackupReport& report, const ConsoleObserver& observer,
                std::uint64_t elapsed_ns, Console& console) {
  const repo::Snapshot& snapshot = report.snapshot;
  const repo::TreeCounts counts = repo::counts_of(snapshot);
  const std::uint64_t others = counts.symlinks + counts.others;
  console.say(fmt::format("{}, {}{}, {} in {}", format_count(counts.files, "file"),
                          others > 0 ? format_count(others, "other object") + ", " : std::string(),
                          format_count(counts.folders, "folder"), format_size(counts.bytes),
                          format_duration(elapsed_ns)));
  const repo::ChangeCounts& changes = report.changes;
  console.say(fmt::format("{} new, {} changed, {} unmodified, {} removed", changes.files_new,
                          changes.files_changed, changes.files_unmodified, changes.removed));
  console.say(fmt::format(
      "{} {} ({} compressed)", report.id || report.unchanged_since ? "added" : "would add",
      format_size(snapshot.added_data.plain_bytes + snapshot.added_metadata.plain_bytes),
      format_size(snapshot.added_data.stored_bytes + snapshot.added_metadata.stored_bytes)));
  if (!report.stages.empty()) {
    say_stages(report.stages, console);
  }
  for (const std::string& path : report.left_out_folders) {
    console.say(fmt::format("{} was left out: it is this repository, or its cache", path));
  }
  if (const std::uint64_t missing = observer.unreadable(); missing > 0) {
    console.say(fmt::format("{} could not be read and {} missing from the snapshot",
                            format_count(missing, "source"), missing == 1 ? "is" : "are"));
  }
  if (const std::uint64_t torn = observer.torn(); torn > 0) {
    console.say(fmt::format("{} changed while {} read: what is stored may be a mixture",
                            format_count(torn, "file"), torn == 1 ? "it was" : "they were"));
  }
  if (const std::uint64_t incomplete = observer.incomplete(); incomplete > 0) {
    console.say(fmt::format("{} stored without all of {} attributes",
                            format_count(incomplete, "object"), incomplete == 1 ? "its" : "their"));
  }
  if (const std::uint64_t unnoticed = observer.unnoticed(); unnoticed > 0) {
    console.say(fmt::format("{} changed, and nothing but the bytes told of it",
                            format_count(unnoticed, "file")));
  }
  if (snapshot.partial) {
    console.say("the time limit was reached: the snapshot holds what was read until then");
  }
  if (report.unchanged_since) {
    console.say(fmt::format("nothing has changed since snapshot {}: no other one is made",
                            report.unchanged_since->short_hex()));
    return;
  }
  console.say(report.id ? fmt::format("snapshot {} made", report.id->short_hex())
                        : "dry run: no snapshot made");
}

class BackupCommand final : public CommandWith<BackupArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  void declare_sources(CLI::App& app);
  void declare_choice(CLI::App& app);
  std::optional<UsageError> place_words();
  std::optional<UsageError> check_sources();
  std::optional<UsageError> check_numbers();
  std::optional<UsageError> check_record();

  std::vector<std::string> behind_dashes_;  ///< words after "--"
  bool stdin_command_ = false;
  std::vector<std::string> tags_;
  std::string time_;
  std::string type_ = "manual";
  std::string compression_ = "default";
  std::string larger_than_;
  std::string rehash_sample_;
  std::string time_limit_;
};

void BackupCommand::declare(CLI::App& app) {
  const auto take_words = [this](const CLI::results_t& words) {
    for (const std::string& word : words) {
      (stood_behind_dashes(word) ? behind_dashes_ : arguments_.paths).push_back(unshield(word));
    }
    return true;
  };
  app.add_option("PATH", take_words, "Files and folders")
      ->type_name("")
      ->type_size(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(0, -1)
      ->allow_extra_args();
  add_repeated(app, "--tag", tags_, "TAG[,TAG]", "Labels of the snapshot; may be repeated");
  add_text(app, "--name", arguments_.name, "NAME", "Name of the set that this snapshot belongs to");
  add_text(app, "--host", arguments_.host, "HOST",
           "Host to record, CAIRN_HOST unless given: the same for all\nruns of a container");
  add_text(app, "--time", time_, "TIME",
           "Time to record, \"2026-01-01 14:30\" (local) or RFC 3339,\nnot in the future");
  add_repeated(
      app, "--as", arguments_.record_as, "PATH",
      "Record the source under this path instead of its own:\nonce for each PATH, in order");
  app.add_flag("--skip-if-unchanged", arguments_.skip_if_unchanged,
               "Make no snapshot if it would equal the last one of this\nhost, name and paths");
  add_text(app, "--description", arguments_.description, "TEXT", "What to remember about it");
  add_text(app, "--type", type_, "TYPE",
           "manual (default), hourly, daily, weekly, monthly or restore_point");
  add_text(app, "--compression", compression_, "LEVEL", "fast, default, max, or 0 (none) to 19");
  app.add_flag("-n,--dry-run", arguments_.dry_run,
               "Write nothing; with --verbose, list what has changed");
  app.add_flag("--force-rehash", arguments_.force_rehash,
               "Read every file, even those that seem unchanged");
  app.add_flag("--ignore-ctime", arguments_.ignore_ctime,
               "A file whose ctime alone has changed since the last backup\nwith this option "
               "counts as unchanged");
  app.add_flag("--ignore-inode", arguments_.ignore_inode,
               "The same of inode numbers, where they are not stable");
  add_text(app, "--rehash-sample", rehash_sample_, "PART",
           "Read this part of the unchanged files again, 1%, and\nreport those whose bytes differ");
  add_text(app, "--time-limit", time_limit_, "TIME",
           "Stop after 30min or 2h with a partial snapshot");
  declare_sources(app);
  declare_choice(app);
}

void BackupCommand::declare_sources(CLI::App& app) {
  constexpr const char* kGroup = "Where it comes from";
  add_repeated(app, "--files-from", arguments_.files_from, "FILE",
               "Paths from a file, one a line; - is standard input")
      ->group(kGroup);
  add_repeated(app, "--files-from0", arguments_.files_from0, "FILE",
               "The same, each ended by a NUL")
      ->group(kGroup);
  app.add_flag("--stdin", arguments_.from_stdin, "Standard input, as a file")->group(kGroup);
  app.add_flag("--stdin-command", stdin_command_,
               "Output of a command, given behind --; if it fails there is\nno snapshot")
      ->group(kGroup);
  add_text(app, "--stdin-name", arguments_.stdin_name, "NAME", "What that file is called (stdin)")
      ->group(kGroup);
}

void BackupCommand::declare_choice(CLI::App& app) {
  constexpr const char* kGroup = "What is left out";
  const auto repeated = [&](const char* names, std::vector<std::string>& values,
                            const char* placeholder, const char* description) {
    add_repeated(app, names, values, placeholder, description)->group(kGroup);
  };
  repeated("-e,--exclude", arguments_.excludes, "PATTERN",
           "Leave out what matches; the syntax is that of gitignore(5)");
  repeated("--include", arguments_.includes, "PATTERN", "Take back what --exclude left out");
  repeated("--exclude-file", arguments_.exclude_files, "FILE", "Patterns from a file, one a line");
  repeated("--exclude-if-present", arguments_.choice.exclude_if_present, "NAME",
           "Of folders that hold NAME, keep only that");
  app.add_flag("--exclude-caches", arguments_.choice.exclude_caches,
               "Of folders with a CACHEDIR.TAG, keep only that")
      ->group(kGroup);
  add_text(app, "--exclude-larger-than", larger_than_, "SIZE", "Files of more than SIZE")
      ->group(kGroup);
  app.add_flag("--exclude-nodump", arguments_.choice.exclude_nodump, "What carries the nodump flag")
      ->group(kGroup);
  app.add_flag("-x,--one-file-system", arguments_.choice.one_file_system,
               "Folders on other file systems: keep them empty")
      ->group(kGroup);
}

// What comes after "--" is a command with --stdin-command, and more paths without it.
std::optional<UsageError> BackupCommand::place_words() {
  BackupArguments& backup = arguments_;
  std::vector<std::string>& behind = behind_dashes_;
  if (!stdin_command_) {
    backup.paths.insert(backup.paths.end(), behind.begin(), behind.end());
    return std::nullopt;
  }
  if (backup.from_stdin) {
    return usage_error("--stdin and --stdin-command exclude each other");
  }
  if (behind.empty()) {
    return usage_error(fmt::format(
        "--stdin-command needs a command behind --: --stdin-command -- {}",
        backup.paths.empty() ? "pg_dump mydb" : fmt::format("{}", fmt::join(backup.paths, " "))));
  }
  if (!backup.paths.empty()) {
    return usage_error(
        fmt::format("{}: a path cannot be added to --stdin-command, whose output is a snapshot of "
                    "its own; the command stands behind --",
                    backup.paths[0]));
  }
  if (behind[0].empty()) {
    return usage_error("--stdin-command: the command has no name");
  }
  backup.command = std::move(behind);
  return std::nullopt;
}

// Checks that the options that name sources fit together.
std::optional<UsageError> BackupCommand::check_sources() {
  BackupArguments& backup = arguments_;
  if (auto error = place_words()) {
    return error;
  }
  for (const std::string& path : backup.paths) {
    if (path.empty()) {
      return usage_error("a path to back up is empty");
    }
  }
  const bool lists = !backup.files_from.empty() || !backup.files_from0.empty();
  if (!backup.from_stdin && backup.command.empty()) {
    if (backup.paths.empty() && !lists) {
      return usage_error("backup needs a PATH, --files-from, --stdin or --stdin-command");
    }
    return backup.stdin_name.empty()
               ? std::nullopt
               : std::optional(usage_error("--stdin-name needs --stdin or --stdin-command"));
  }
  if (lists || !backup.paths.empty()) {
    return usage_error("a stream is a snapshot of its own: paths cannot be added to it");
  }
  const std::string& name = backup.stdin_name;
  if (name.find_first_not_of('/') == std::string::npos && !name.empty()) {
    return usage_error(fmt::format("--stdin-name {}: no name", name));
  }
  return std::nullopt;
}

std::optional<UsageError> BackupCommand::check_numbers() {
  BackupArguments& backup = arguments_;
  if (!larger_than_.empty()) {
    backup.choice.exclude_larger_than_bytes = parse_size(larger_than_);
    if (!backup.choice.exclude_larger_than_bytes) {
      return usage_error(fmt::format(
          "--exclude-larger-than {}: must be a size such as 500, 10K or 1.5G", larger_than_));
    }
  }
  if (!rehash_sample_.empty()) {
    const auto part = parse_part(rehash_sample_);
    if (!part) {
      return usage_error(
          fmt::format("--rehash-sample {}: must be a part such as 1% or 0.01", rehash_sample_));
    }
    backup.rehash_sample = *part;
  }
  return take_duration("--time-limit", time_limit_, backup.time_limit_seconds);
}

// Checks what is recorded in place of the true values.
std::optional<UsageError> BackupCommand::check_record() {
  BackupArguments& backup = arguments_;
  if (!time_.empty()) {
    if (auto mistake = take_moment("--time", time_, backup.time)) {
      return mistake;
    }
    if (backup.time->nanoseconds == core::kNanosecondsPerSecond - 1) {
      backup.time->nanoseconds = 0;  // the beginning of the typed second
    }
  }
  if (backup.record_as.empty()) {
    return std::nullopt;
  }
  if (backup.from_stdin || !backup.command.empty() || !backup.files_from.empty() ||
      !backup.files_from0.empty() || backup.record_as.size() != backup.paths.size()) {
    return usage_error("--as is given once for each PATH, in the same order");
  }
  for (const std::string& path : backup.record_as) {
    if (!path.starts_with('/')) {
      return usage_error(fmt::format("--as {}: the path must begin with /", path));
    }
  }
  return std::nullopt;
}

std::optional<UsageError> BackupCommand::check(const CommandLine& /*line*/) {
  if (auto error = take_snapshot_type("--type", type_, arguments_.type)) {
    return error;
  }
  if (auto error = take_compression(compression_, arguments_.compression_level)) {
    return error;
  }
  if (auto error = take_tags(tags_, arguments_.tags)) {
    return error;
  }
  if (auto error = check_sources()) {
    return error;
  }
  if (auto error = check_record()) {
    return error;
  }
  if (auto error = check_numbers()) {
    return error;
  }
  if (auto error = check_patterns("--exclude", arguments_.excludes)) {
    return error;
  }
  return check_patterns("--include", arguments_.includes);
}

core::Result<ExitCode> BackupCommand::run(Context& context) const {
  Streams& streams = context.streams;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(context.console, "read");
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));

  repo::BackupOptions options{
      .paths = {},
      .host = arguments_.host.empty() ? streams.variable("CAIRN_HOST") : arguments_.host,
      .time =
          arguments_.time ? std::optional(resolve(*arguments_.time, streams.clock)) : std::nullopt,
      .skip_if_unchanged = arguments_.skip_if_unchanged,
      .set = arguments_.name,
      .type = arguments_.type,
      .tags = arguments_.tags,
      .description = arguments_.description,
      .program_version = std::string(core::version()),
      .compression_level = arguments_.compression_level,
      .dry_run = arguments_.dry_run,
      .force_rehash = arguments_.force_rehash,
      .ignore_ctime = arguments_.ignore_ctime,
      .ignore_inode = arguments_.ignore_inode,
      .rehash_sample = arguments_.rehash_sample,
      .time_limit_seconds = arguments_.time_limit_seconds,
      .tell_changes = context.console.verbose(),
      .measure_stages = context.console.verbose(),
      .estimate = context.console.draws_progress(),
      .stop = streams.stop};
  std::unique_ptr<StreamInput> stream;
  if (arguments_.from_stdin || !arguments_.command.empty()) {
    CAIRN_TRY(stream, stream_input(arguments_, streams));
    options.stream = stream->source;
  } else {
    CAIRN_TRY(options.paths, source_paths(arguments_, streams));
    for (std::size_t i = 0; i < arguments_.record_as.size(); ++i) {
      std::string recorded = absolute_path(arguments_.record_as[i], "/");
      const bool is_new = options.read_from.emplace(recorded, options.paths[i]).second;
      if (!is_new) {
        return core::fail(core::ErrorCode::invalid_argument,
                          fmt::format("--as {} is given twice", recorded));
      }
      options.paths[i] = std::move(recorded);
    }
    CAIRN_TRY(options.choice, source_choice(arguments_, streams));
    for (const std::string& sentence : options.choice.filter.idle_patterns(options.paths)) {
      context.console.warning(sentence);
    }
  }
  const auto report = repo::backup(repository, options, observer);
  if (!report && report.error().code() == core::ErrorCode::interrupted) {
    return core::fail(core::ErrorCode::interrupted,
                      "interrupted; what was stored so far will be reused");
  }
  CAIRN_TRY_STATUS(report.has_value() ? core::Status() : core::fail(report.error()));

  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (context.console.json()) {
    Json json = backup_view(*report);
    json["dry_run"] = arguments_.dry_run;
    json["unreadable"] = observer.unreadable();
    json["changed_while_read"] = observer.torn();
    json["incomplete_metadata"] = observer.incomplete();
    json["changed_unnoticed"] = observer.unnoticed();
    json["seconds"] = seconds_view(elapsed_ns);
    context.console.print_json(json);
  } else {
    say_report(*report, observer, elapsed_ns, context.console);
  }
  // A file that would not hold still is in the snapshot in a state that it may never have had, so
  // the backup is not complete; nor if it lacks an access list. And a user who has files read
  // again to check their stamps must learn that a stamp was wrong. A file that vanished was not
  // there to be backed up.
  const bool is_whole = observer.unreadable() == 0 && observer.torn() == 0 &&
                        observer.incomplete() == 0 && observer.unnoticed() == 0 &&
                        !report->snapshot.partial;
  return is_whole ? ExitCode::ok : ExitCode::partial;
}

}  // namespace

constexpr CommandSpec kBackupCommand = {
    .name = "backup",
    .summary = "Make a snapshot of files and folders",
    .details =
        "What has not changed since earlier snapshots takes no further space and is not\n"
        "read again. Files that cannot be read, that change each time they are read, or of\n"
        "which an attribute cannot be read are named on standard error; the snapshot then\n"
        "exists without them, or with what was read, and the exit status is 3. So it is if\n"
        "--rehash-sample finds that a file changed while its times and size did not. What\n"
        "vanishes before it is read is named, and no more.\n"
        "A PATH that cannot be found is named, too, and the others are backed up. What is\n"
        "named is taken, whatever leaves out a folder above it. A symbolic link is stored\n"
        "as a link; with a / at its end it stands for the folder that it leads to. This\n"
        "repository and its cache are left out. A database in use is read with its log,\n"
        "and named if the two never fit together.\n"
        "Patterns are those of gitignore(5): *.o matches in any folder, build/tmp below any\n"
        "folder, /srv/tmp only from the root of the file system, ./x and ~/x as paths do,\n"
        "cache/ folders only; the last match counts.\n"
        "With --as a source is recorded under another path, which patterns see, too: so\n"
        "what is mounted somewhere else each time stays one series.\n",
    .examples =
        "  cairn backup /home /etc --tag weekly\n"
        "  cairn backup ~/projects --name projects --type hourly --quiet\n"
        "  cairn backup /srv --dry-run --verbose\n"
        "  cairn backup / -x -e /proc -e '*.tmp' --exclude-caches\n"
        "  cairn backup /mnt/snap-2026-01-01 --as /home --skip-if-unchanged\n"
        "  cairn backup --stdin-name shop.sql --stdin-command -- pg_dump shop\n",
    .json = JsonForm::lines,
    .make = make_command<BackupCommand>,
};

}  // namespace cairn::cli
