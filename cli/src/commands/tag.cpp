#include <fmt/format.h>

#include <string>
#include <vector>

#include "cairn/repo/marks.h"
#include "commands/commands.h"
#include "output/snapshot_line.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

/// The full ids of those that were named, each of which is told.
core::Result<std::vector<std::string>> named_ids(const repo::SnapshotFilter& filter,
                                                 repo::Repository& repository, Context& context,
                                                 repo::Observer& observer) {
  CAIRN_TRY(const auto whole, resolved(filter, context.streams));
  CAIRN_TRY(const repo::SelectedSnapshots selected,
            repo::select_snapshots(repository, whole, observer));
  std::vector<std::string> ids;
  for (const repo::ListedSnapshot& listed : selected.snapshots) {
    context.console.note("snapshot " + snapshot_line(listed, context.streams.clock));
    ids.push_back(listed.id.hex());
  }
  return ids;
}

void tell(const repo::MarkReport& report, std::string_view done, Console& console) {
  if (console.json()) {
    console.print_json(mark_view(report));
    return;
  }
  console.say(fmt::format("{} {}", format_count(report.changed, "snapshot"), done));
  if (report.changed < report.snapshots.size()) {
    console.say(fmt::format("{} already as wanted",
                            format_count(report.snapshots.size() - report.changed, "snapshot")));
  }
}

}  // namespace

core::Result<ExitCode> execute(const TagArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto ids, named_ids(arguments.filter, repository, context, observer));
  const auto change = arguments.remove ? repo::remove_tags : repo::add_tags;
  CAIRN_TRY(const repo::MarkReport report, change(repository, ids, arguments.tags, observer));
  tell(report, "tagged anew", context.console);
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const PinArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto ids, named_ids(arguments.filter, repository, context, observer));
  const auto change = arguments.unpin ? repo::unpin : repo::pin;
  CAIRN_TRY(const repo::MarkReport report, change(repository, ids, observer));
  tell(report, arguments.unpin ? "unpinned" : "pinned", context.console);
  return ExitCode::ok;
}

}  // namespace cairn::cli
