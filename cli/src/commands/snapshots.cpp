#include <fmt/format.h>

#include <algorithm>

#include "cairn/repo/find.h"
#include "commands/commands.h"
#include "escape.h"
#include "sizes.h"
#include "table.h"
#include "times.h"

namespace cairn::cli {
namespace {

constexpr std::size_t kPathsShown = 3;

std::string paths_cell(const repo::Snapshot& snapshot) {
  std::string cell;
  const std::size_t count = snapshot.sources.size();
  const std::size_t shown = count > kPathsShown ? kPathsShown - 1 : count;
  for (std::size_t i = 0; i < shown; ++i) {
    cell += (i == 0 ? "" : ", ") + escape_name(snapshot.sources[i].path);
  }
  return shown == count ? cell : fmt::format("{} and {} more", cell, count - shown);
}

std::string tags_cell(const repo::Snapshot& snapshot) {
  std::string cell;
  for (const std::string& tag : snapshot.tags) {
    cell += (cell.empty() ? "" : ",") + escape_name(tag);
  }
  return cell;
}

/// "daily", "daily (partial, pinned)"
std::string type_cell(const repo::ListedSnapshot& listed) {
  std::string notes = listed.snapshot.partial ? "partial" : "";
  if (listed.pinned) {
    notes += notes.empty() ? "pinned" : ", pinned";
  }
  const std::string_view type = to_string(listed.snapshot.type);
  return notes.empty() ? std::string(type) : fmt::format("{} ({})", type, notes);
}

std::vector<std::string> row_of(const repo::ListedSnapshot& listed, core::Clock& clock) {
  const repo::Snapshot& snapshot = listed.snapshot;
  const repo::TreeCounts counts = repo::counts_of(snapshot);
  return {listed.id.short_hex(),
          format_local_time(snapshot.start, clock),
          escape_name(snapshot.host),
          escape_name(snapshot.set),
          type_cell(listed),
          tags_cell(snapshot),
          fmt::format("{}", counts.files),
          format_size(counts.bytes),
          format_size(snapshot.added_data.stored_bytes + snapshot.added_metadata.stored_bytes),
          paths_cell(snapshot)};
}

}  // namespace

core::Result<ExitCode> execute(const SnapshotsArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  const repo::SnapshotFilter filter{
      .names = arguments.snapshots, .tags = arguments.tags, .hosts = arguments.hosts};
  CAIRN_TRY(const auto snapshots, repo::select_snapshots(repository, filter, observer));
  if (console.json()) {
    Json list = Json::array();
    std::transform(snapshots.begin(), snapshots.end(), std::back_inserter(list),
                   listed_snapshot_view);
    console.print_json({{"snapshots", std::move(list)}});
    return ExitCode::ok;
  }
  if (snapshots.empty()) {
    const bool asks_for_all = filter.names.empty() && filter.tags.empty() && filter.hosts.empty();
    console.say(asks_for_all ? "no snapshots yet" : "no such snapshots");
    return ExitCode::ok;
  }
  using Align = Table::Align;
  Table table({{"ID"},
               {"TIME"},
               {"HOST"},
               {"NAME"},
               {"TYPE"},
               {"TAGS"},
               {"FILES", Align::right},
               {"SIZE", Align::right},
               {"ADDED", Align::right},
               {"PATHS"}});
  for (const repo::ListedSnapshot& listed : snapshots) {
    table.add(row_of(listed, context.streams.clock));
  }
  for (const std::string& line : table.lines()) {
    console.print(line);
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
