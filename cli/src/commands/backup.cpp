#include "cairn/repo/backup.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cairn/core/version.h"
#include "commands/commands.h"
#include "context/backup_sources.h"
#include "io/absolute_path.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

/// Where the time went. Threads work at the same time, so that the sum is more than the time
/// passed.
void say_stages(const std::vector<repo::StageTime>& stages, Console& console) {
  console.say("seconds of all threads:");
  for (const repo::StageTime& stage : stages) {
    const auto ns = static_cast<double>(stage.ns);
    const std::string per_byte =
        stage.bytes == 0 ? std::string()
                         : fmt::format("{:>12}  {:5.2f} ns a byte", format_size(stage.bytes),
                                       ns / static_cast<double>(stage.bytes));
    console.say(fmt::format("  {:8} {:8.3f}{}", stage.name, ns / 1e9, per_byte));
  }
}

void say_report(const repo::BackupReport& report, const ConsoleObserver& observer,
                std::uint64_t elapsed_ns, Console& console) {
  const repo::Snapshot& snapshot = report.snapshot;
  const repo::TreeCounts counts = repo::counts_of(snapshot);
  const std::uint64_t others = counts.symlinks + counts.others;
  console.say(fmt::format("{}, {}{}, {} in {}", format_count(counts.files, "file"),
                          others > 0 ? format_count(others, "other object") + ", " : std::string(),
                          format_count(counts.folders, "folder"), format_size(counts.bytes),
                          format_duration(elapsed_ns)));
  const repo::ChangeCounts& changes = report.changes;
  console.say(fmt::format("{} new, {} changed, {} unmodified, {} removed", changes.files_new,
                          changes.files_changed, changes.files_unmodified, changes.removed));
  console.say(fmt::format(
      "{} {} ({} compressed)", report.id || report.unchanged_since ? "added" : "would add",
      format_size(snapshot.added_data.plain_bytes + snapshot.added_metadata.plain_bytes),
      format_size(snapshot.added_data.stored_bytes + snapshot.added_metadata.stored_bytes)));
  if (!report.stages.empty()) {
    say_stages(report.stages, console);
  }
  for (const std::string& path : report.left_out_folders) {
    console.say(fmt::format("{} was left out: it is this repository, or its cache", path));
  }
  if (const std::uint64_t missing = observer.unreadable(); missing > 0) {
    console.say(fmt::format("{} could not be read and {} missing from the snapshot",
                            format_count(missing, "source"), missing == 1 ? "is" : "are"));
  }
  if (const std::uint64_t torn = observer.torn(); torn > 0) {
    console.say(fmt::format("{} changed while {} read: what is stored may be a mixture",
                            format_count(torn, "file"), torn == 1 ? "it was" : "they were"));
  }
  if (const std::uint64_t incomplete = observer.incomplete(); incomplete > 0) {
    console.say(fmt::format("{} stored without all of {} attributes",
                            format_count(incomplete, "object"), incomplete == 1 ? "its" : "their"));
  }
  if (const std::uint64_t unnoticed = observer.unnoticed(); unnoticed > 0) {
    console.say(fmt::format("{} changed, and nothing but the bytes told of it",
                            format_count(unnoticed, "file")));
  }
  if (snapshot.partial) {
    console.say("the time limit was reached: the snapshot holds what was read until then");
  }
  if (report.unchanged_since) {
    console.say(fmt::format("nothing has changed since snapshot {}: no other one is made",
                            report.unchanged_since->short_hex()));
    return;
  }
  console.say(report.id ? fmt::format("snapshot {} made", report.id->short_hex())
                        : "dry run: no snapshot made");
}

}  // namespace

core::Result<ExitCode> execute(const BackupArguments& arguments, Context& context) {
  Streams& streams = context.streams;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(context.console, "read");
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));

  repo::BackupOptions options{
      .paths = {},
      .host = arguments.host.empty() ? streams.variable("CAIRN_HOST") : arguments.host,
      .time =
          arguments.time ? std::optional(resolve(*arguments.time, streams.clock)) : std::nullopt,
      .skip_if_unchanged = arguments.skip_if_unchanged,
      .set = arguments.name,
      .type = arguments.type,
      .tags = arguments.tags,
      .description = arguments.description,
      .program_version = std::string(core::version()),
      .compression_level = arguments.compression_level,
      .dry_run = arguments.dry_run,
      .force_rehash = arguments.force_rehash,
      .ignore_ctime = arguments.ignore_ctime,
      .ignore_inode = arguments.ignore_inode,
      .rehash_sample = arguments.rehash_sample,
      .time_limit_seconds = arguments.time_limit_seconds,
      .tell_changes = context.console.verbose(),
      .measure_stages = context.console.verbose(),
      .estimate = context.console.draws_progress(),
      .stop = streams.stop};
  std::unique_ptr<StreamInput> stream;
  if (arguments.from_stdin || !arguments.command.empty()) {
    CAIRN_TRY(stream, stream_input(arguments, streams));
    options.stream = stream->source;
  } else {
    CAIRN_TRY(options.paths, source_paths(arguments, streams));
    for (std::size_t i = 0; i < arguments.record_as.size(); ++i) {
      std::string recorded = absolute_path(arguments.record_as[i], "/");
      const bool is_new = options.read_from.emplace(recorded, options.paths[i]).second;
      if (!is_new) {
        return core::fail(core::ErrorCode::invalid_argument,
                          fmt::format("--as {} is given twice", recorded));
      }
      options.paths[i] = std::move(recorded);
    }
    CAIRN_TRY(options.choice, source_choice(arguments, streams));
    for (const std::string& sentence : options.choice.filter.idle_patterns(options.paths)) {
      context.console.warning(sentence);
    }
  }
  const auto report = repo::backup(repository, options, observer);
  if (!report && report.error().code() == core::ErrorCode::interrupted) {
    return core::fail(core::ErrorCode::interrupted,
                      "interrupted; what was stored so far will be reused");
  }
  CAIRN_TRY_STATUS(report.has_value() ? core::Status() : core::fail(report.error()));

  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (context.console.json()) {
    Json json = backup_view(*report);
    json["dry_run"] = arguments.dry_run;
    json["unreadable"] = observer.unreadable();
    json["changed_while_read"] = observer.torn();
    json["incomplete_metadata"] = observer.incomplete();
    json["changed_unnoticed"] = observer.unnoticed();
    json["seconds"] = seconds_view(elapsed_ns);
    context.console.print_json(json);
  } else {
    say_report(*report, observer, elapsed_ns, context.console);
  }
  // A file that would not hold still is in the snapshot in a state that it may never have been in:
  // that is no more a whole backup than one that lacks it. Nor is one that lacks an access list.
  // And who has files read again to find out whether their stamps tell the truth wants to hear that
  // they do not. What has vanished was not there to be backed up.
  const bool is_whole = observer.unreadable() == 0 && observer.torn() == 0 &&
                        observer.incomplete() == 0 && observer.unnoticed() == 0 &&
                        !report->snapshot.partial;
  return is_whole ? ExitCode::ok : ExitCode::partial;
}

}  // namespace cairn::cli
