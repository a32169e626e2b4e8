#include "commands/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cairn/repo/verify.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "commands/finding.h"
#include "output/snapshot_line.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

std::string short_ids(const std::vector<repo::SnapshotId>& ids) {
  constexpr std::size_t kShownMax = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kShownMax); ++i) {
    text += (i == 0 ? "" : ", ") + ids[i].short_hex();
  }
  return ids.size() <= kShownMax ? text
                                 : fmt::format("{} and {} more", text, ids.size() - kShownMax);
}

/// What may be relied on after this.
std::string vouched(const repo::VerifyReport& report, const VerifyArguments& arguments) {
  const std::string snapshots = format_count(report.snapshots_checked, "snapshot");
  if (!arguments.check_integrity) {
    return "nothing is missing from " + snapshots;
  }
  return report.contents_opened
             ? fmt::format("every byte of {} was read and is what was stored", snapshots)
             : fmt::format("every stored byte of {} is what was written", snapshots);
}

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
  if (!report.partial.empty()) {
    console.say("ended early, so not whole: " + short_ids(report.partial));
  }
  if (!report.flawed.empty()) {
    console.say("with problems told when they were made: " + short_ids(report.flawed));
  }
  const auto count = [&report](repo::Finding::Severity severity) {
    return static_cast<std::uint64_t>(
        std::ranges::count(report.findings, severity, &repo::Finding::severity));
  };
  if (report.unreadable()) {
    console.say(fmt::format("{} could not be read: nothing is known of what they hold",
                            format_count(count(repo::Finding::Severity::unreadable), "object")));
  }
  if (report.damaged()) {
    console.say(fmt::format("{} of damage",
                            format_count(count(repo::Finding::Severity::damage), "finding")));
  } else if (!report.unreadable()) {
    console.say("no damage found: " + vouched(report, arguments));
  }
}

class VerifyCommand final : public CommandWith<VerifyArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedFilter filter_;
  bool latest_ = false;
  bool all_ = false;
};

void VerifyCommand::declare(CLI::App& app) {
  add_words(app, "SNAP", arguments_.filter.names, "Only these snapshots");
  app.add_flag("--latest", latest_, "Only the newest snapshot");
  app.add_flag("--all", all_, "Everything in the repository (default)");
  app.add_flag("--check-integrity", arguments_.check_integrity, "Read every byte");
  add_filter(app, filter_);
}

std::optional<UsageError> VerifyCommand::check(const CommandLine& /*line*/) {
  repo::SnapshotFilter& filter = arguments_.filter;
  if (auto error = take_filter(filter_, filter)) {
    return error;
  }
  const int ways = (filter.names.empty() ? 0 : 1) + (latest_ ? 1 : 0) + (all_ ? 1 : 0);
  if (ways > 1) {
    return usage_error("give only one of SNAP, --latest and --all");
  }
  if (latest_) {
    filter.names = {"latest"};
  }
  if (all_ && !filter.is_empty()) {
    return usage_error("--all is everything: no option can choose some of it");
  }
  return std::nullopt;
}

core::Result<ExitCode> VerifyCommand::run(Context& context) const {
  Streams& streams = context.streams;
  Console& console = context.console;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  std::vector<repo::SnapshotId> snapshots;
  CAIRN_TRY(const auto filter, resolved(arguments_.filter, streams));
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
                                    .check_integrity = arguments_.check_integrity,
                                    .stop = streams.stop};
  CAIRN_TRY(const repo::VerifyReport report, repo::verify(repository, options, observer));

  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (console.json()) {
    Json json = verify_view(report);
    json["check_integrity"] = arguments_.check_integrity;
    json["seconds"] = seconds_view(elapsed_ns);
    console.print_json(json);
  } else {
    print_report(report, arguments_, elapsed_ns, console);
  }
  return verdict_of(report);
}

}  // namespace

void print_finding(const repo::Finding& finding, Console& console) {
  console.print(fmt::format("{}: {}: {}", repo::to_string(finding.severity), finding.object,
                            finding.message));
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

ExitCode verdict_of(const repo::VerifyReport& report) noexcept {
  if (report.damaged()) {
    return ExitCode::damage;
  }
  return report.unreadable() ? ExitCode::failed : ExitCode::ok;
}

constexpr CommandSpec kVerifyCommand = {
    .name = "verify",
    .summary = "Check that snapshots are intact, and say what is not",
    .details =
        "Checks the structure of everything, or only of the snapshots named. With\n"
        "--check-integrity every byte they need is read, opened and compared with its hash.\n"
        "Changes nothing. If there is damage the exit status is 4. Backups and prunes may run\n"
        "meanwhile; if packs are deleted each time that it looks, it cannot tell what is missing\n"
        "from what was moved, and ends with 11: no verdict, verify again. What the storage does\n"
        "not give, or a newer program wrote, cannot be judged either: exit status 1.\n",
    .examples =
        "  cairn verify\n"
        "  cairn verify --latest --check-integrity\n"
        "  cairn verify 3f2a91c0 --check-integrity --json\n",
    .json = JsonForm::lines,
    .make = make_command<VerifyCommand>,
};

}  // namespace cairn::cli
