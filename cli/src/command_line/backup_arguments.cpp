#include "command_line/backup_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <utility>

#include "cairn/repo/path_filter.h"
#include "command_line/filter_arguments.h"
#include "command_line/looking_arguments.h"
#include "command_line/option_words.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

/// What stands behind "--" is a command with --stdin-command, and further paths without.
std::optional<UsageError> place_words(TypedBackup& typed) {
  BackupArguments& backup = typed.checked;
  std::vector<std::string>& behind = typed.behind_dashes;
  if (!typed.stdin_command) {
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

/// What the options that name sources say together.
std::optional<UsageError> check_sources(TypedBackup& typed) {
  BackupArguments& backup = typed.checked;
  if (auto error = place_words(typed)) {
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

std::optional<UsageError> check_numbers(TypedBackup& typed) {
  BackupArguments& backup = typed.checked;
  if (!typed.larger_than.empty()) {
    backup.exclude_larger_than = parse_size(typed.larger_than);
    if (!backup.exclude_larger_than) {
      return usage_error(fmt::format(
          "--exclude-larger-than {}: must be a size such as 500, 10K or 1.5G", typed.larger_than));
    }
  }
  if (!typed.rehash_sample.empty()) {
    const auto part = parse_part(typed.rehash_sample);
    if (!part) {
      return usage_error(fmt::format("--rehash-sample {}: must be a part such as 1% or 0.01",
                                     typed.rehash_sample));
    }
    backup.rehash_sample = *part;
  }
  if (!typed.time_limit.empty()) {
    const auto seconds = parse_duration(typed.time_limit);
    if (!seconds) {
      return duration_mistake("--time-limit", typed.time_limit);
    }
    backup.time_limit_seconds = *seconds;
  }
  return std::nullopt;
}

/// What is recorded in place of what is true.
std::optional<UsageError> check_record(TypedBackup& typed) {
  BackupArguments& backup = typed.checked;
  if (!typed.time.empty()) {
    if (auto mistake = take_moment("--time", typed.time, backup.time)) {
      return mistake;
    }
    if (backup.time->nanoseconds == core::kNanosecondsPerSecond - 1) {
      backup.time->nanoseconds = 0;  // the beginning of a second that was typed whole
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

void add_backup_sources(CLI::App& command, BackupArguments& backup, TypedBackup& typed) {
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
      .add_flag("--stdin-command", typed.stdin_command,
                "Output of a command, given behind --; if it fails there is\nno snapshot")
      ->group(kGroup);
  add_text(command, "--stdin-name", backup.stdin_name, "NAME", "What that file is called (stdin)")
      ->group(kGroup);
}

}  // namespace

void add_backup(CLI::App& app, TypedBackup& typed) {
  CLI::App& command = add_command(app, "backup");
  BackupArguments& backup = typed.checked;
  const auto take_words = [&typed](const CLI::results_t& words) {
    for (const std::string& word : words) {
      (stood_behind_dashes(word) ? typed.behind_dashes : typed.checked.paths)
          .push_back(unshield(word));
    }
    return true;
  };
  command.add_option("PATH", take_words, "Files and folders")
      ->type_name("")
      ->type_size(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(0, -1)
      ->allow_extra_args();
  add_list(command, "--tag", typed.tags, "TAG[,TAG]", "Labels of the snapshot; may be repeated")
      ->allow_extra_args(false);
  add_text(command, "--name", backup.name, "NAME", "Name of the set that this snapshot belongs to");
  add_text(command, "--host", backup.host, "HOST",
           "Host to record, CAIRN_HOST unless given: the same for all\nruns of a container");
  add_text(command, "--time", typed.time, "TIME",
           "Time to record, \"2026-01-01 14:30\" (local) or RFC 3339,\nnot in the future");
  add_list(command, "--as", backup.record_as, "PATH",
           "Record the source under this path instead of its own:\nonce for each PATH, in order")
      ->allow_extra_args(false);
  command.add_flag("--skip-if-unchanged", backup.skip_if_unchanged,
                   "Make no snapshot if it would equal the last one of this\nhost, name and paths");
  add_text(command, "--description", backup.description, "TEXT", "What to remember about it");
  add_text(command, "--type", typed.type, "TYPE",
           "manual (default), hourly, daily, weekly, monthly or restore_point");
  add_text(command, "--compression", typed.compression, "LEVEL",
           "fast, default, max, or 0 (none) to 19");
  command.add_flag("-n,--dry-run", backup.dry_run,
                   "Write nothing; with --verbose, list what has changed");
  command.add_flag("--force-rehash", backup.force_rehash,
                   "Read every file, even those that seem unchanged");
  command.add_flag("--ignore-ctime", backup.ignore_ctime,
                   "A file whose ctime alone has changed since the last backup\nwith this option "
                   "counts as unchanged");
  command.add_flag("--ignore-inode", backup.ignore_inode,
                   "The same of inode numbers, where they are not stable");
  add_text(command, "--rehash-sample", typed.rehash_sample, "PART",
           "Read this part of the unchanged files again, 1%, and\nreport those whose bytes differ");
  add_text(command, "--time-limit", typed.time_limit, "TIME",
           "Stop after 30min or 2h with a partial snapshot");
  add_backup_sources(command, backup, typed);
  add_backup_choice(command, backup, typed);
}

std::optional<repo::SnapshotType> parse_snapshot_type(std::string_view text) {
  using repo::SnapshotType;
  for (const SnapshotType type :
       {SnapshotType::manual, SnapshotType::hourly, SnapshotType::daily, SnapshotType::weekly,
        SnapshotType::monthly, SnapshotType::restore_point}) {
    if (text == to_string(type)) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<UsageError> check_patterns(std::string_view option,
                                         std::span<const std::string> patterns) {
  repo::PathFilter filter;
  for (const std::string& pattern : patterns) {
    if (const auto added = filter.add_exclude(pattern); !added) {
      return usage_error(fmt::format("{} {}: {}", option, pattern, added.error().message()));
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_duration(std::string_view text) {
  constexpr std::uint64_t kSecondsMax = 1'000'000'000;
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value == 0 || value > kSecondsMax) {
    return std::nullopt;
  }
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  std::uint64_t seconds = 0;
  if (unit.empty() || unit == "s") {
    seconds = value;
  } else if (unit == "min") {
    seconds = value * 60;
  } else if (unit == "h") {
    seconds = value * 3600;
  } else if (unit == "d") {
    seconds = value * 86400;
  } else if (unit == "w") {
    seconds = value * 7 * 86400;
  }
  return seconds != 0 && seconds <= kSecondsMax ? std::optional(seconds) : std::nullopt;
}

UsageError duration_mistake(std::string_view option, std::string_view text) {
  return usage_error(fmt::format("{} {}: must be a time such as 90s, 30min, 2h, 1d or 1w{}", option,
                                 text, text.ends_with('m') ? "; m would be months" : ""));
}

std::optional<double> parse_part(std::string_view text) {
  const bool percent = text.ends_with('%');
  text.remove_suffix(percent ? 1 : 0);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  value = percent ? value / 100 : value;
  // Written so that a NaN is refused.
  const bool valid = error == std::errc() && stopped == end && value >= 0 && value <= 1;
  return valid ? std::optional(value) : std::nullopt;
}

std::optional<int> parse_compression_level(std::string_view text) {
  if (text == "fast") {
    return repo::kCompressionFast;
  }
  if (text == "default") {
    return repo::kCompressionDefault;
  }
  if (text == "max") {
    return repo::kCompressionMax;
  }
  int level = -1;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, level);
  const bool valid =
      error == std::errc() && stopped == end && level >= 0 && level <= repo::kCompressionMax;
  return valid ? std::optional(level) : std::nullopt;
}

UsageError compression_mistake(std::string_view text) {
  return usage_error(
      fmt::format("--compression {}: must be fast, default, max, or a number from 0 to {}", text,
                  repo::kCompressionMax));
}

CheckedArguments backup_values(TypedBackup& typed) {
  const auto type = parse_snapshot_type(typed.type);
  if (!type) {
    return usage_error(fmt::format(
        "--type {}: must be manual, hourly, daily, weekly, monthly or restore_point", typed.type));
  }
  const auto level = parse_compression_level(typed.compression);
  if (!level) {
    return compression_mistake(typed.compression);
  }
  if (auto error = take_tags(typed.tags, typed.checked.tags)) {
    return *error;
  }
  if (auto error = check_sources(typed)) {
    return *error;
  }
  if (auto error = check_record(typed)) {
    return *error;
  }
  if (auto error = check_numbers(typed)) {
    return *error;
  }
  if (auto error = check_patterns("--exclude", typed.checked.excludes)) {
    return *error;
  }
  if (auto error = check_patterns("--include", typed.checked.includes)) {
    return *error;
  }
  typed.checked.type = *type;
  typed.checked.compression_level = *level;
  return std::move(typed.checked);
}

}  // namespace cairn::cli
