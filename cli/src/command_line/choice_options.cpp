#include "command_line/choice_options.h"

#include <fmt/format.h>

#include <utility>

#include "cairn/repo/browse.h"
#include "command_line/option_values.h"
#include "command_line/option_words.h"

namespace cairn::cli {

void add_choice(CLI::App& command, TypedChoice& typed, const char* description) {
  add_text(command, "SNAP", typed.what, "", description);
  add_text(command, "--at", typed.at, "TIME",
           "Instead of SNAP: the newest snapshot at or before this time,\n"
           "\"2026-01-01 14:30\" (local) or RFC 3339; a day alone is its end");
  add_filter(command, typed.filter);
}

std::optional<UsageError> take_choice(const TypedChoice& typed, SnapshotChoice& choice) {
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
    // A date alone means the end of that day.
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

}  // namespace cairn::cli
