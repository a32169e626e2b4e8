#include <fmt/format.h>

#include "cairn/repo/marks.h"
#include "commands/commands.h"
#include "sizes.h"

namespace cairn::cli {
namespace {

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
  const auto change = arguments.remove ? repo::remove_tags : repo::add_tags;
  CAIRN_TRY(const repo::MarkReport report,
            change(repository, arguments.snapshots, arguments.tags, observer));
  tell(report, "tagged anew", context.console);
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const PinArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  const auto change = arguments.unpin ? repo::unpin : repo::pin;
  CAIRN_TRY(const repo::MarkReport report, change(repository, arguments.snapshots, observer));
  tell(report, arguments.unpin ? "unpinned" : "pinned", context.console);
  return ExitCode::ok;
}

}  // namespace cairn::cli
