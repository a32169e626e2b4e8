#include "output/snapshot_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {

std::string snapshot_flaws(const repo::Snapshot& snapshot, core::Timestamp now) {
  std::vector<std::string> flaws;
  if (snapshot.partial) {
    flaws.emplace_back("partial");
  }
  if (snapshot.problem_count > 0) {
    flaws.push_back(format_count(snapshot.problem_count, "problem"));
  }
  if (repo::is_in_future(snapshot, now)) {
    flaws.emplace_back("dated in the future");
  }
  return fmt::format("{}", fmt::join(flaws, ", "));
}

std::string group_line(const repo::SnapshotGroup& group) {
  std::vector<std::string> parts;
  const auto add = [&parts](std::string_view what, const std::string& text) {
    if (!text.empty()) {
      parts.push_back(fmt::format("{}{}", what, escape_name(text)));
    }
  };
  add("host ", group.host);
  add("set ", group.set);
  for (const std::string& tag : group.tags) {
    add("tag ", tag);
  }
  for (const std::string& path : group.paths) {
    add("", path);
  }
  return parts.empty() ? "all snapshots" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string snapshot_line(const repo::ListedSnapshot& listed, core::Clock& clock) {
  const repo::Snapshot& snapshot = listed.snapshot;
  std::string line =
      fmt::format("{} of {}, host {}", listed.id.short_hex(),
                  format_local_time(snapshot.start, clock), escape_name(snapshot.host));
  if (!snapshot.set.empty()) {
    line += fmt::format(", set {}", escape_name(snapshot.set));
  }
  const std::string flaws = snapshot_flaws(snapshot, clock.now());
  return flaws.empty() ? line : fmt::format("{} ({})", line, flaws);
}

}  // namespace cairn::cli
