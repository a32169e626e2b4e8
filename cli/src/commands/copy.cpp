#include "cairn/repo/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cairn/core/version.h"
#include "cairn/repo/verify.h"
#include "commands/commands.h"
#include "commands/finding.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

std::string describe(const repo::CopiedSnapshot& copied, bool dry_run, core::Clock& clock) {
  const repo::Snapshot& snapshot = copied.source.snapshot;
  std::string paths;
  for (const repo::Source& source : snapshot.sources) {
    paths += " " + escape_name(source.path);
  }
  const std::string what =
      fmt::format("{} ({}, {}{})", copied.source.id.short_hex(),
                  format_local_time(snapshot.start, clock), escape_name(snapshot.host), paths);
  if (copied.was_there) {
    return fmt::format("{} is there as {}", what, copied.copy->short_hex());
  }
  if (dry_run) {
    return fmt::format("{} would be copied", what);
  }
  return fmt::format(
      "{} copied as {}, {} added", what, copied.copy->short_hex(),
      format_size(copied.added_data.stored_bytes + copied.added_metadata.stored_bytes));
}

void print_report(const repo::CopyReport& report, const CopyArguments& arguments,
                  std::uint64_t elapsed_ns, Context& context) {
  Console& console = context.console;
  std::uint64_t new_ones = 0;
  for (const repo::CopiedSnapshot& copied : report.snapshots) {
    const std::string line = describe(copied, arguments.dry_run, context.streams.clock);
    if (copied.was_there) {
      console.detail(line);
    } else {
      new_ones += 1;
      console.print(line);
    }
  }
  const std::uint64_t there = report.snapshots.size() - new_ones;
  if (arguments.dry_run) {
    console.say(fmt::format("{} would be copied, {} there already",
                            format_count(new_ones, "snapshot"), there));
    return;
  }
  console.say(fmt::format("copied {}, {} there already; read {}, wrote {} in {}",
                          format_count(new_ones, "snapshot"), there, format_size(report.bytes_read),
                          format_size(report.written_bytes), format_duration(elapsed_ns)));
}

/// Reads the new copies back.
core::Result<std::optional<repo::VerifyReport>> check(repo::Repository& destination,
                                                      const repo::CopyReport& report,
                                                      Context& context) {
  repo::VerifyOptions options{
      .snapshots = {}, .check_integrity = true, .stop = context.streams.stop};
  for (const repo::CopiedSnapshot& copied : report.snapshots) {
    if (!copied.was_there) {
      options.snapshots.push_back(*copied.copy);
    }
  }
  // None would mean all.
  if (options.snapshots.empty()) {
    return std::optional<repo::VerifyReport>();
  }
  ConsoleObserver observer(context.console);
  CAIRN_TRY(auto verified, repo::verify(destination, options, observer));
  return std::optional(std::move(verified));
}

void print_check(const repo::VerifyReport& verified, Console& console) {
  for (const repo::Finding& finding : verified.findings) {
    console.print(fmt::format("{}: {}", finding.object, finding.message));
  }
  console.say(verified.damaged() ? "the copies are damaged: see cairn verify"
              : verified.unreadable()
                  ? "not all of the copies could be read back: see cairn verify"
                  : fmt::format("read back {}: no damage found", format_size(verified.bytes_read)));
}

}  // namespace

core::Result<ExitCode> execute(const CopyArguments& arguments, Context& context) {
  Streams& streams = context.streams;
  Console& console = context.console;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository source,
            open_repository_to_copy_from(arguments.from, context, observer));
  CAIRN_TRY(repo::Repository destination, open_repository(context, observer));
  CAIRN_TRY(auto filter, resolved(arguments.filter, streams));
  const repo::CopyOptions options{.filter = std::move(filter),
                                  .latest = arguments.latest,
                                  .rules = arguments.rules,
                                  .program_version = std::string(core::version()),
                                  .compression_level = arguments.compression_level,
                                  .dry_run = arguments.dry_run,
                                  .stop = streams.stop};
  CAIRN_TRY(const repo::CopyReport report, repo::copy(source, destination, options, observer));
  std::optional<repo::VerifyReport> verified;
  if (arguments.verify) {
    CAIRN_TRY(verified, check(destination, report, context));
  }
  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (console.json()) {
    Json json = copy_view(report);
    json["dry_run"] = arguments.dry_run;
    json["seconds"] = seconds_view(elapsed_ns);
    if (verified) {
      json["verified"] = verify_view(*verified);
    }
    console.print_json(json);
  } else {
    print_report(report, arguments, elapsed_ns, context);
    if (verified) {
      print_check(*verified, console);
    }
  }
  const ExitCode verdict = verified ? verdict_of(*verified) : ExitCode::ok;
  if (verdict != ExitCode::ok) {
    return verdict;
  }
  return report.unreadable > 0 ? ExitCode::partial : ExitCode::ok;
}

}  // namespace cairn::cli
