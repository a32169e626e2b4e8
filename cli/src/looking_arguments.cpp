#include "looking_arguments.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "cairn/repo/browse.h"
#include "cairn/repo/path_filter.h"
#include "sizes.h"

namespace cairn::cli {
namespace {

/// Fills `moment`, if something was typed.
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

std::optional<UsageError> choose(const std::string& what, const std::string& at,
                                 SnapshotChoice& choice) {
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
  choice.at = parse_moment(at);
  if (!choice.at) {
    return usage_error(
        fmt::format("--at {}: is no time; write \"2026-01-01 14:30\" or "
                    "2026-01-01T14:30:00+01:00",
                    at));
  }
  choice.path = what.starts_with(":/") ? what.substr(1) : what;
  if (!choice.path.empty() && !choice.path.starts_with('/')) {
    return usage_error(
        fmt::format("{}: with --at only a path can be given, which begins with /", what));
  }
  return std::nullopt;
}

CheckedArguments find_values(TypedFind& typed) {
  FindArguments& find = typed.checked;
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
    return usage_error("--versions goes only with --snapshot, --tag and --host");
  } else if (!find.versions_of.starts_with('/')) {
    return usage_error(fmt::format("--versions {}: the path must begin with /", find.versions_of));
  }
  return std::move(find);
}

CheckedArguments diff_values(TypedDiff& typed) {
  if (typed.before.empty() || typed.after.empty()) {
    return usage_error("a side to compare is empty");
  }
  typed.checked.before = diff_place(typed.before);
  typed.checked.after = diff_place(typed.after);
  if (typed.checked.before.snapshot.empty() && typed.checked.after.snapshot.empty()) {
    return usage_error("one of the two must be a snapshot: SNAP or SNAP:/path");
  }
  return std::move(typed.checked);
}

}  // namespace cairn::cli
