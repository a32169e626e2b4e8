#include "commands/prune.h"

#include <fmt/format.h>

#include <string>

#include "command_line/option_values.h"
#include "command_line/option_words.h"
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

class PruneCommand final : public CommandWith<PruneArguments> {
 public:
  void declare(CLI::App& app) override {
    app.add_flag("-n,--dry-run", arguments_.dry_run, "Say what would be given back and rewritten");
    add_prune_options(app, typed_, arguments_);
  }
  std::optional<UsageError> check(const CommandLine& /*line*/) override {
    return take_prune_options(typed_, arguments_);
  }
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedPrune typed_;
};

core::Result<ExitCode> PruneCommand::run(Context& context) const {
  Console& console = context.console;
  const std::uint64_t start_ns = context.streams.clock.monotonic_ns();
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::PruneReport report, prune_and_tell(repository, arguments_, {}, context));
  if (console.json()) {
    Json json = prune_view(report);
    json["dry_run"] = arguments_.dry_run;
    json["seconds"] = seconds_view(context.streams.clock.monotonic_ns() - start_ns);
    console.print_json(json);
  }
  return ExitCode::ok;
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

void add_prune_options(CLI::App& command, TypedPrune& typed, PruneArguments& arguments) {
  add_text(command, "--max-unused", typed.max_unused, "PART",
           "Leave so much of what is stored unused, 1% (default);\n0 gives everything back");
  add_text(command, "--max-repack-bytes", typed.max_repack, "SIZE",
           "Rewrite packs with no more than that; 0: only delete");
  command.add_flag("--repack-small", arguments.repack_small,
                   "Put small packs together, even if there are few");
  add_text(command, "--stale-after", typed.stale_after, "TIME",
           "Give up backups without a sign of life for so long (10min)");
}

std::optional<UsageError> take_prune_options(const TypedPrune& typed, PruneArguments& arguments) {
  if (!typed.max_unused.empty()) {
    const auto part = parse_part(typed.max_unused);
    if (!part) {
      return usage_error(
          fmt::format("--max-unused {}: must be a part such as 5% or 0.05", typed.max_unused));
    }
    arguments.max_unused = *part;
  }
  if (!typed.max_repack.empty()) {
    arguments.max_repack_bytes = parse_size(typed.max_repack);
    if (!arguments.max_repack_bytes) {
      return usage_error(fmt::format("--max-repack-bytes {}: must be a size such as 500M or 2G",
                                     typed.max_repack));
    }
  }
  return take_duration("--stale-after", typed.stale_after, arguments.stale_after_seconds);
}

constexpr CommandSpec kPruneCommand = {
    .name = "prune",
    .summary = "Give back the space of what no snapshot needs",
    .details =
        "Packs that no snapshot needs are deleted. Packs of which little is needed are\n"
        "rewritten, those with the largest waste first, until no more than --max-unused is\n"
        "left. Backups may run meanwhile, on any machine, and other prunes: nothing is\n"
        "locked. Those that were under way are waited for before anything is deleted.\n"
        "Interrupted it has done no harm, and the next prune goes on. While something that\n"
        "a snapshot needs cannot be read nothing is deleted.\n",
    .examples =
        "  cairn prune --dry-run\n"
        "  cairn prune --max-unused 10% --max-repack-bytes 5G\n",
    .make = make_command<PruneCommand>,
};

}  // namespace cairn::cli
