#include "cairn/repo/repair.h"

#include <fmt/format.h>

#include "commands/commands.h"
#include "sizes.h"

namespace cairn::cli {
namespace {

Json ids_view(const std::vector<repo::PackId>& ids) {
  Json list = Json::array();
  for (const repo::PackId& id : ids) {
    list.push_back(id.hex());
  }
  return list;
}

void print_report(const repo::RepairIndexReport& report, bool dry_run, Console& console) {
  for (const repo::PackId& id : report.missing) {
    console.print(
        fmt::format("pack {} is gone; what it held is stored again by the next backup of "
                    "files that still have it",
                    id.hex()));
  }
  for (const repo::PackId& id : report.unreadable) {
    console.print(fmt::format("pack {} is damaged, and no index segment lists it", id.hex()));
  }
  console.say(fmt::format("{}: {} damaged; {} there, of which {} in none",
                          format_count(report.segments_before, "index segment"),
                          report.segments_damaged, format_count(report.packs, "pack"),
                          report.packs_found));
  if (!dry_run) {
    console.say(fmt::format("written anew as {}; see what is lost with: cairn verify",
                            format_count(report.segments_after, "index segment")));
  }
}

}  // namespace

core::Result<ExitCode> execute(const RepairIndexArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(
      const repo::RepairIndexReport report,
      repo::repair_index(repository, {.dry_run = arguments.dry_run, .stop = context.streams.stop},
                         observer));
  if (context.console.json()) {
    context.console.print_json({{"segments_before", report.segments_before},
                                {"segments_damaged", report.segments_damaged},
                                {"segments_after", report.segments_after},
                                {"packs", report.packs},
                                {"packs_found", report.packs_found},
                                {"missing", ids_view(report.missing)},
                                {"unreadable", ids_view(report.unreadable)},
                                {"dry_run", arguments.dry_run}});
  } else {
    print_report(report, arguments.dry_run, context.console);
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
