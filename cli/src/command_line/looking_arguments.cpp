#include "command_line/looking_arguments.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "cairn/repo/browse.h"
#include "cairn/repo/path_filter.h"
#include "command_line/option_words.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

std::optional<UsageError> take_size(std::string_view option, const std::string& text,
                                    std::optional<std::uint64_t>& size) {
  if (text.empty()) {
    return std::nullopt;
  }
  size = parse_size(text);
  if (size) {
    return std::nullopt;
  }
  return usage_error(fmt::format("{} {}: is no size; write 500, 10K, 1.5M or 2G", option, text));
}

std::optional<FindType> find_type(std::string_view text) {
  if (text == "f") {
    return FindType::file;
  }
  if (text == "d") {
    return FindType::folder;
  }
  return text == "l" ? std::optional(FindType::symlink) : std::nullopt;
}

/// "SNAP" and "SNAP:/path" are snapshots; whatever else has a '/' is a path on disk.
DiffPlace diff_place(const std::string& word) {
  repo::SnapshotPath named = repo::parse_snapshot_path(word);
  const bool is_snapshot = !named.snapshot.empty() && named.snapshot[0] != '.' &&
                           named.snapshot.find('/') == std::string::npos;
  return is_snapshot ? DiffPlace{std::move(named.snapshot), std::move(named.path)}
                     : DiffPlace{std::string(), word};
}

}  // namespace

std::optional<UsageError> take_moment(std::string_view option, const std::string& text,
                                      std::optional<Moment>& moment) {
  if (text.empty()) {
    return std::nullopt;
  }
  moment = parse_moment(text);
  if (moment) {
    return std::nullopt;
  }
  return usage_error(fmt::format(
      "{} {}: is no time; write \"2026-01-01 14:30\" or 2026-01-01T14:30:00+01:00", option, text));
}

void add_choice(CLI::App& command, TypedChoice& typed, const char* description) {
  add_text(command, "SNAP", typed.what, "", description);
  add_text(command, "--at", typed.at, "TIME",
           "Instead of SNAP: the newest snapshot at or before this time,\n"
           "\"2026-01-01 14:30\" (local) or RFC 3339; a day alone is its end");
  add_filter(command, typed.filter);
}

std::optional<UsageError> choose(const TypedChoice& typed, SnapshotChoice& choice) {
  const std::string& what = typed.what;
  const std::string& at = typed.at;
  if (auto error = take_filter(typed.filter, choice.filter)) {
    return error;
  }
  if (at.empty()) {
    if (what.empty()) {
      return usage_error("a snapshot is needed: SNAP, SNAP:/path, or --at TIME");
    }
    repo::SnapshotPath named = repo::parse_snapshot_path(what);
    if (named.snapshot.empty()) {
      return usage_error(fmt::format("{}: the snapshot is missing before the colon", what));
    }
    if (named.snapshot.find(':') != std::string::npos) {
      return usage_error(fmt::format("{}: the path must begin with /", what));
    }
    choice.snapshot = std::move(named.snapshot);
    choice.path = std::move(named.path);
    return std::nullopt;
  }
  if (auto mistake = take_moment("--at", at, choice.at)) {
    return mistake;
  }
  if (constexpr std::size_t kDateBytes = 10; at.size() == kDateBytes) {
    // Who names a day means what it left behind.
    constexpr std::int64_t kSecondsOfDay = 86'400;
    choice.at->wall_seconds += kSecondsOfDay - 1;
    choice.at->nanoseconds = core::kNanosecondsPerSecond - 1;
  }
  choice.path = what.starts_with(":/") ? what.substr(1) : what;
  if (!choice.path.empty() && !choice.path.starts_with('/')) {
    return usage_error(
        fmt::format("{}: with --at only a path can be given, which begins with /", what));
  }
  return std::nullopt;
}

void add_ls(CLI::App& app, TypedLs& typed) {
  CLI::App& ls = add_command(app, "ls");
  add_choice(ls, typed.choice, "SNAP or SNAP:/path");
  ls.add_flag("-l,--long", typed.checked.long_format, "Mode, owner, size and time too");
  ls.add_flag("-R,--recursive", typed.checked.recursive, "What lies in folders below, too");
  ls.add_flag("-0,--print0", typed.checked.print0, "Names as they are, each ended by a NUL");
}

CheckedArguments ls_values(TypedLs& typed, bool json) {
  if (auto error = choose(typed.choice, typed.checked.choice)) {
    return *error;
  }
  if (typed.checked.print0 && (typed.checked.long_format || json)) {
    return usage_error("--print0 goes neither with --long nor with --json");
  }
  return std::move(typed.checked);
}

void add_dump(CLI::App& app, TypedDump& typed) {
  CLI::App& dump = add_command(app, "dump");
  add_choice(dump, typed.choice, "SNAP:/path");
  add_text(dump, "-o,--output,--target", typed.checked.output, "FILE", "A new file instead");
  add_text(dump, "--format", typed.format, "FORMAT",
           "tar: an archive of a single file, too (folders always are)");
}

CheckedArguments dump_values(TypedDump& typed) {
  if (auto error = choose(typed.choice, typed.checked.choice)) {
    return *error;
  }
  if (typed.checked.choice.path.empty()) {
    return usage_error("dump needs the path of a file or folder: SNAP:/path");
  }
  if (!typed.format.empty() && typed.format != "tar") {
    return usage_error(fmt::format("--format {}: must be tar", typed.format));
  }
  typed.checked.as_tar = typed.format == "tar";
  return std::move(typed.checked);
}

void add_find(CLI::App& app, TypedFind& typed) {
  CLI::App& find = add_command(app, "find");
  add_list(find, "PATTERN", typed.checked.patterns, "",
           "For names, or for paths if it has a /: * ? [...] **")
      ->expected(1, -1)
      ->allow_extra_args();
  add_text(find, "--versions", typed.checked.versions_of, "PATH",
           "Instead of PATTERN: every version of this one path");
  add_list(find, "-s,--snapshot", typed.checked.filter.names, "SNAP",
           "Only in this snapshot; may be repeated")
      ->allow_extra_args(false);
  add_text(find, "--newer", typed.newer, "TIME", "Modified after this time");
  add_text(find, "--older", typed.older, "TIME", "Modified at this time or before");
  add_text(find, "--larger", typed.larger, "SIZE", "Files of more than this: 500, 10K, 1.5M, 2G");
  add_text(find, "--smaller", typed.smaller, "SIZE", "Files of less than this");
  add_text(find, "--type", typed.type, "TYPE", "f (file), d (folder) or l (symbolic link)");
  find.add_flag("-i,--ignore-case", typed.checked.ignore_case, "A is a, for ASCII letters");
  add_filter(find, typed.filter, {.type_name = "--snapshot-type"});
}

CheckedArguments find_values(TypedFind& typed) {
  FindArguments& find = typed.checked;
  if (auto error = take_filter(typed.filter, find.filter)) {
    return *error;
  }
  const std::array mistakes = {take_moment("--newer", typed.newer, find.newer),
                               take_moment("--older", typed.older, find.older),
                               take_size("--larger", typed.larger, find.larger),
                               take_size("--smaller", typed.smaller, find.smaller)};
  for (const auto& mistake : mistakes) {
    if (mistake) {
      return *mistake;
    }
  }
  if (!typed.type.empty()) {
    find.type = find_type(typed.type);
    if (!find.type) {
      return usage_error(fmt::format("--type {}: must be f, d or l", typed.type));
    }
  }
  repo::PathSelection selection;
  for (const std::string& pattern : find.patterns) {
    if (const auto added = selection.add(pattern); !added) {
      return usage_error(added.error().message());
    }
  }
  const bool has_conditions =
      find.newer || find.older || find.larger || find.smaller || find.type || find.ignore_case;
  if (find.versions_of.empty()) {
    if (find.patterns.empty() && !has_conditions) {
      return usage_error("what to find? give a PATTERN or --versions PATH");
    }
  } else if (!find.patterns.empty() || has_conditions) {
    return usage_error("--versions goes only with options that choose snapshots");
  } else if (!find.versions_of.starts_with('/')) {
    return usage_error(fmt::format("--versions {}: the path must begin with /", find.versions_of));
  }
  return std::move(find);
}

void add_diff(CLI::App& app, TypedDiff& typed) {
  CLI::App& diff = add_command(app, "diff");
  add_text(diff, "BEFORE", typed.before, "", "SNAP, SNAP:/path, or a path on disk")->required();
  add_text(diff, "AFTER", typed.after, "", "The same; one of the two must be a snapshot")
      ->required();
  diff.add_flag("--checksum", typed.checked.checksum,
                "Read files on disk even if their size and time are as recorded");
  diff.add_flag("--exit-code", typed.checked.exit_code, "End with 1 if there are differences");
  add_filter(diff, typed.filter);
}

CheckedArguments diff_values(TypedDiff& typed) {
  if (typed.before.empty() || typed.after.empty()) {
    return usage_error("a side to compare is empty");
  }
  if (auto error = take_filter(typed.filter, typed.checked.filter)) {
    return *error;
  }
  typed.checked.before = diff_place(typed.before);
  typed.checked.after = diff_place(typed.after);
  if (typed.checked.before.snapshot.empty() && typed.checked.after.snapshot.empty()) {
    return usage_error("one of the two must be a snapshot: SNAP or SNAP:/path");
  }
  return std::move(typed.checked);
}

}  // namespace cairn::cli
