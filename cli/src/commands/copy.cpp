#include "commands/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/version.h"
#include "cairn/repo/copy.h"
#include "cairn/repo/verify.h"
#include "command_line/filter_options.h"
#include "command_line/option_values.h"
#include "command_line/option_words.h"
#include "command_line/repository_options.h"
#include "command_line/retention_options.h"
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

/// Verifies the new copies.
core::Result<std::optional<repo::VerifyReport>> read_back(repo::Repository& destination,
                                                          const repo::CopyReport& report,
                                                          Context& context) {
  repo::VerifyOptions options{
      .snapshots = {}, .check_integrity = true, .stop = context.streams.stop};
  for (const repo::CopiedSnapshot& copied : report.snapshots) {
    if (!copied.was_there) {
      options.snapshots.push_back(*copied.copy);
    }
  }
  // An empty list would mean all.
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

class CopyCommand final : public CommandWith<CopyArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Status locate(Context& context) const override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedFilter filter_;
  std::string latest_;
  std::vector<std::string> policies_;
  std::string compression_ = "default";
};

void CopyCommand::declare(CLI::App& app) {
  add_words(app, "SNAP", arguments_.filter.names, "Only these snapshots of the source");
  add_from(app, arguments_.from, "Folder of the repository to copy from");
  add_text(app, "--latest", latest_, "N", "Only the newest N of each host, set and paths");
  add_repeated(app, "--policy", policies_, "[TYPE:]RULES",
               "Only what forget would keep by these rules:\nlast=2,daily=7,within=1mo,tag=x+y");
  add_text(app, "--compression", compression_, "LEVEL", "fast, default, max, or 0 (none) to 19");
  app.add_flag("-n,--dry-run", arguments_.dry_run, "Say what would be copied, write nothing");
  app.add_flag("--verify", arguments_.verify, "Read the new copies back, and check every byte");
  add_filter(app, filter_);
}

std::optional<UsageError> CopyCommand::check(const CommandLine& /*line*/) {
  CopyArguments& copy = arguments_;
  if (auto error = take_filter(filter_, copy.filter)) {
    return error;
  }
  if (auto error = take_compression(compression_, copy.compression_level)) {
    return error;
  }
  if (auto error = take_latest(latest_, copy.latest)) {
    return error;
  }
  for (const std::string& policy : policies_) {
    if (auto error = take_policy(policy, copy.rules)) {
      return error;
    }
  }
  if (!copy.filter.names.empty() && (copy.latest > 0 || !copy.rules.is_empty())) {
    return usage_error("give either SNAP or --latest and --policy, not both");
  }
  if (copy.latest > 0 && !copy.rules.is_empty()) {
    return usage_error("give only one of --latest and --policy, which may say last=N");
  }
  if (copy.dry_run && copy.verify) {
    return usage_error("--dry-run makes no copies that --verify could check");
  }
  return check_from(copy.from);
}

core::Status CopyCommand::locate(Context& context) const {
  CAIRN_TRY_STATUS(Command::locate(context));
  CAIRN_TRY(const std::string from, location_to_copy_from(arguments_.from, context.streams));
  if (from.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "copy from which repository?",
                      "give --from-repo REPO or set CAIRN_FROM_REPOSITORY");
  }
  return {};
}

core::Result<ExitCode> CopyCommand::run(Context& context) const {
  Streams& streams = context.streams;
  Console& console = context.console;
  const std::uint64_t start_ns = streams.clock.monotonic_ns();
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository source,
            open_repository_to_copy_from(arguments_.from, context, observer));
  CAIRN_TRY(repo::Repository destination, open_repository(context, observer));
  CAIRN_TRY(auto filter, resolved(arguments_.filter, streams));
  const repo::CopyOptions options{.filter = std::move(filter),
                                  .latest = arguments_.latest,
                                  .rules = arguments_.rules,
                                  .program_version = std::string(core::version()),
                                  .compression_level = arguments_.compression_level,
                                  .dry_run = arguments_.dry_run,
                                  .stop = streams.stop};
  CAIRN_TRY(const repo::CopyReport report, repo::copy(source, destination, options, observer));
  std::optional<repo::VerifyReport> verified;
  if (arguments_.verify) {
    CAIRN_TRY(verified, read_back(destination, report, context));
  }
  const std::uint64_t elapsed_ns = streams.clock.monotonic_ns() - start_ns;
  if (console.json()) {
    Json json = copy_view(report);
    json["dry_run"] = arguments_.dry_run;
    json["seconds"] = seconds_view(elapsed_ns);
    if (verified) {
      json["verified"] = verify_view(*verified);
    }
    console.print_json(json);
  } else {
    print_report(report, arguments_, elapsed_ns, context);
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

}  // namespace

constexpr CommandSpec kCopyCommand = {
    .name = "copy",
    .summary = "Copy snapshots into this repository from another one",
    .details =
        "--repo names the destination, --from-repo the source, which is only read. Its\n"
        "passphrase comes from --from-password-file, --from-key-file, or the first of\n"
        "CAIRN_FROM_PASSWORD, CAIRN_FROM_PASSWORD_FILE, CAIRN_FROM_PASSWORD_COMMAND and\n"
        "CAIRN_FROM_KEY_FILE that is set, or from the terminal. CAIRN_FROM_REPOSITORY stands\n"
        "in for --from-repo.\n"
        "Each repository has its own keys: contents are opened, checked and sealed anew. What\n"
        "was copied before is not copied again, and what the destination has is not sent\n"
        "twice. Copies that were forgotten there are made again: copy only what is to stay.\n"
        "An interrupted copy goes on where it stopped. Pins are not copied.\n",
    .examples =
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup\n"
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup --latest 1 --host laptop --verify\n"
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup --policy daily=7,monthly=12\n"
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup 3f2a91c0 --dry-run\n",
    .json = JsonForm::lines,
    .make = make_command<CopyCommand>,
};

}  // namespace cairn::cli
