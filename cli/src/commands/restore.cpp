#include "cairn/repo/restore.h"

#include <fmt/format.h>

#include "absolute_path.h"
#include "cairn/repo/browse.h"
#include "commands/commands.h"
#include "sizes.h"
#include "times.h"

namespace cairn::cli {
namespace {

void say_report(const repo::RestoreReport& report, const repo::RestoreOptions& options,
                std::uint64_t elapsed_ns, Console& console) {
  const repo::TreeCounts& counts = report.restored;
  console.say(
      fmt::format("{} {}, {}, {} into {} in {}", options.dry_run ? "would restore" : "restored",
                  format_count(counts.files, "file"), format_count(counts.folders, "folder"),
                  format_size(counts.bytes), options.target, format_duration(elapsed_ns)));
  if (report.skipped_owner > 0) {
    console.say(fmt::format("{} got the owner of this process: only root can set others",
                            format_count(report.skipped_owner, "object")));
  }
  if (report.skipped_special > 0) {
    console.say(fmt::format("{} left out: only root can make them",
                            format_count(report.skipped_special, "device")));
  }
  if (report.problem_count > 0) {
    console.say(
        fmt::format("{}; all else was restored", format_count(report.problem_count, "problem")));
  }
}

}  // namespace

core::Result<ExitCode> execute(const RestoreArguments& arguments, Context& context) {
  Streams& streams = context.streams;
  Console& console = context.console;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(console, "restore");
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments.choice, context, observer));
  console.detail(fmt::format("restoring snapshot {} of {}", listed.id.short_hex(),
                             format_local_time(listed.snapshot.start, streams.clock)));

  const repo::RestoreOptions options{
      .path = arguments.choice.path,
      .target = absolute_path(arguments.target, streams.working_folder),
      .overwrite = arguments.overwrite,
      .dry_run = arguments.dry_run,
      .numeric_ids = arguments.numeric_ids,
      .stop = streams.stop};
  CAIRN_TRY(const repo::RestoreReport report,
            repo::restore(repository, listed.snapshot, options, observer));

  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (console.json()) {
    Json json = restore_view(report);
    json["snapshot"] = listed.id.hex();
    json["dry_run"] = arguments.dry_run;
    put_bytes(json, "target", options.target);
    json["seconds"] = static_cast<double>(elapsed_ns / 1'000'000) / 1000;
    console.print_json(json);
  } else {
    say_report(report, options, elapsed_ns, console);
  }
  return report.problem_count > 0 ? ExitCode::failed : ExitCode::ok;
}

}  // namespace cairn::cli
