#include "commands/prune.h"

#include <fmt/format.h>

#include "commands/commands.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

std::string packs_text(const repo::PruneCount& count) {
  return fmt::format("{} of {}", format_count(count.packs, "pack"), format_size(count.bytes));
}

void print_plan(const repo::PruneReport& report, Console& console) {
  console.say(fmt::format(
      "{} need {} of {}; {} are not needed", format_count(report.snapshots, "snapshot"),
      format_size(report.used_bytes), packs_text(report.before), format_size(report.unused_bytes)));
  console.print(fmt::format("to delete:   {}", packs_text(report.to_remove)));
  console.print(fmt::format("to rewrite:  {}, with {} that are needed",
                            packs_text(report.to_repack), format_size(report.repack_used_bytes)));
  console.print(fmt::format("to be left unused: {}", format_size(report.unused_left_bytes)));
}

void print_result(const repo::PruneReport& report, std::uint64_t elapsed_ns, Console& console) {
  const std::uint64_t removed = report.removed.bytes;
  const std::uint64_t written = report.written.bytes;
  console.say(fmt::format(
      "deleted {}, wrote {}: {} {} in {}", packs_text(report.removed), packs_text(report.written),
      format_size(removed > written ? removed - written : written - removed),
      removed >= written ? "given back" : "more than before", format_duration(elapsed_ns)));
  if (report.kept.packs > 0) {
    console.say(
        fmt::format("kept {} that backups have come to need meanwhile", packs_text(report.kept)));
  }
  if (report.sessions_given_up > 0) {
    console.say(fmt::format("gave up {} without a sign of life",
                            format_count(report.sessions_given_up, "backup")));
  }
  if (report.snapshots_removed > 0 || report.leftovers_removed > 0) {
    console.say(fmt::format("cleared away {} and {} of interrupted runs",
                            format_count(report.snapshots_removed, "forgotten snapshot"),
                            format_count(report.leftovers_removed, "leftover")));
  }
  if (report.stopped_for_space) {
    console.say("the storage was full: run it again to rewrite what is left");
  }
}

}  // namespace

core::Result<repo::PruneReport> prune_and_tell(repo::Repository& repository,
                                               const PruneArguments& arguments,
                                               const std::vector<repo::SnapshotId>& forgotten,
                                               Context& context) {
  Console& console = context.console;
  core::Clock& clock = context.streams.clock;
  const std::uint64_t start_ns = clock.monotonic_ns();
  repo::PruneOptions options{.max_unused = arguments.max_unused,
                             .repack_small = arguments.repack_small,
                             .dry_run = arguments.dry_run,
                             .stale_after_seconds = arguments.stale_after_seconds,
                             .stop = context.streams.stop};
  if (arguments.max_repack_bytes) {
    options.max_repack_bytes = *arguments.max_repack_bytes;
  }
  if (arguments.dry_run) {
    options.as_if_forgotten = forgotten;
  }
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::PruneReport report, repo::prune(repository, options, observer));
  if (console.json()) {
    return report;
  }
  if (arguments.dry_run) {
    print_plan(report, console);
  } else {
    print_result(report, clock.monotonic_ns() - start_ns, console);
  }
  return report;
}

core::Result<ExitCode> execute(const PruneArguments& arguments, Context& context) {
  Console& console = context.console;
  const std::uint64_t start_ns = context.streams.clock.monotonic_ns();
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::PruneReport report, prune_and_tell(repository, arguments, {}, context));
  if (console.json()) {
    Json json = prune_view(report);
    json["dry_run"] = arguments.dry_run;
    json["seconds"] = seconds_view(context.streams.clock.monotonic_ns() - start_ns);
    console.print_json(json);
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
