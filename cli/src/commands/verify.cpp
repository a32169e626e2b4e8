#include "cairn/repo/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cairn/repo/browse.h"
#include "commands/commands.h"
#include "commands/finding.h"
#include "escape.h"
#include "sizes.h"
#include "snapshot_line.h"
#include "times.h"

namespace cairn::cli {
namespace {

void print_report(const repo::VerifyReport& report, const VerifyArguments& arguments,
                  std::uint64_t elapsed_ns, Console& console) {
  for (const repo::Finding& finding : report.findings) {
    print_finding(finding, console);
  }
  console.say(fmt::format("checked {}, {}, {} and {}; {} read in {}",
                          format_count(report.snapshots_checked, "snapshot"),
                          format_count(report.objects_checked, "object"),
                          format_count(report.packs_checked, "pack"),
                          format_count(report.chunks_checked, "chunk"),
                          format_size(report.bytes_read), format_duration(elapsed_ns)));
  if (!arguments.check_integrity) {
    console.say("structure only: --check-integrity reads every byte");
  } else if (!report.contents_opened) {
    console.say("this key cannot open contents: their stored form was checked instead");
  }
  const auto damaged = static_cast<std::uint64_t>(std::count_if(
      report.findings.begin(), report.findings.end(), [](const repo::Finding& finding) {
        return finding.severity == repo::Finding::Severity::damage;
      }));
  console.say(report.damaged() ? fmt::format("{} of damage", format_count(damaged, "finding"))
                               : "no damage found");
}

}  // namespace

void print_finding(const repo::Finding& finding, Console& console) {
  const bool damage = finding.severity == repo::Finding::Severity::damage;
  console.print(
      fmt::format("{}: {}: {}", damage ? "damage" : "note", finding.object, finding.message));
  for (const std::string& path : finding.affected) {
    console.print("  affects " + escape_name(path));
  }
  if (finding.affected_count > finding.affected.size()) {
    console.print(fmt::format("  and {} more", finding.affected_count - finding.affected.size()));
  }
  if (!finding.advice.empty()) {
    console.print("  " + finding.advice);
  }
}

core::Result<ExitCode> execute(const VerifyArguments& arguments, Context& context) {
  Streams& streams = context.streams;
  Console& console = context.console;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  std::vector<repo::SnapshotId> snapshots;
  CAIRN_TRY(const auto filter, resolved(arguments.filter, streams));
  if (!filter.is_empty()) {
    CAIRN_TRY(const repo::SelectedSnapshots selected,
              repo::select_snapshots(repository, filter, observer));
    for (const repo::ListedSnapshot& listed : selected.snapshots) {
      console.note("snapshot " + snapshot_line(listed, streams.clock));
      snapshots.push_back(listed.id);
    }
    if (snapshots.empty()) {  // which would mean all
      return core::fail(core::ErrorCode::not_found, "there is no such snapshot to verify",
                        "see: cairn snapshots");
    }
  }
  const repo::VerifyOptions options{.snapshots = std::move(snapshots),
                                    .check_integrity = arguments.check_integrity,
                                    .stop = streams.stop};
  CAIRN_TRY(const repo::VerifyReport report, repo::verify(repository, options, observer));

  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (console.json()) {
    Json json = verify_view(report);
    json["check_integrity"] = arguments.check_integrity;
    json["seconds"] = seconds_view(elapsed_ns);
    console.print_json(json);
  } else {
    print_report(report, arguments, elapsed_ns, console);
  }
  return report.damaged() ? ExitCode::damage : ExitCode::ok;
}

}  // namespace cairn::cli
