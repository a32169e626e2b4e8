#include "commands/rewrite.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/core/version.h"
#include "cairn/repo/rewrite.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "context/backup_sources.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

/// With --quiet what was done is left out, but not what a dry run found.
void print_one(const repo::RewrittenSnapshot& rewritten, bool dry_run, Context& context) {
  Console& console = context.console;
  const auto tell = [&](const std::string& line) {
    dry_run ? console.print(line) : console.say(line);
  };
  const std::string what =
      fmt::format("{} ({}, {})", rewritten.original.id.short_hex(),
                  format_local_time(rewritten.original.snapshot.start, context.streams.clock),
                  escape_name(rewritten.original.snapshot.host));
  if (rewritten.nothing_left) {
    tell(fmt::format("{} stays: nothing would be left of it; see cairn forget", what));
    return;
  }
  if (!rewritten.changed) {
    console.detail(what + " stays as it is");
    return;
  }
  std::string text = what;
  if (rewritten.replacement) {
    text += fmt::format(" {} {}", rewritten.was_there ? "was replaced before by" : "replaced by",
                        rewritten.replacement->short_hex());
  } else {
    text += " would be replaced";
  }
  if (rewritten.left_out > 0) {
    text += fmt::format(", {} left out ({})", format_count(rewritten.left_out, "object"),
                        format_size(rewritten.left_out_bytes));
  }
  if (rewritten.lost_count > 0) {
    text += fmt::format(", {} lost or damaged", format_count(rewritten.lost_count, "object"));
  }
  tell(text + (rewritten.forgotten ? ", forgotten" : ""));
  for (const repo::Problem& problem : rewritten.lost) {
    console.print(fmt::format("  {}: {}", escape_name(problem.path), problem.reason));
  }
  if (rewritten.lost_count > rewritten.lost.size()) {
    console.print(fmt::format("  and {} more", rewritten.lost_count - rewritten.lost.size()));
  }
}

void print_report(const repo::RewriteReport& report, const RewriteArguments& arguments,
                  Context& context) {
  Console& console = context.console;
  std::uint64_t replaced = 0;
  for (const repo::RewrittenSnapshot& rewritten : report.snapshots) {
    print_one(rewritten, arguments.dry_run, context);
    replaced += rewritten.changed ? 1 : 0;
  }
  console.say(fmt::format("{} {}, {} stay as they are", format_count(replaced, "snapshot"),
                          arguments.dry_run ? "would be replaced" : "replaced",
                          report.snapshots.size() - replaced));
  if (replaced > 0 && !arguments.dry_run && !arguments.forget) {
    console.say("the old ones stay until they are forgotten: cairn forget");
  }
}

/// False if somebody could be asked and said no.
core::Result<bool> confirm(const RewriteArguments& arguments, const repo::SnapshotFilter& filter,
                           repo::Repository& repository, repo::Observer& observer,
                           Context& context) {
  if (!arguments.forget || arguments.dry_run || arguments.yes || context.console.json() ||
      !context.streams.confirm) {
    return true;
  }
  CAIRN_TRY(const auto chosen, repo::select_snapshots(repository, filter, observer));
  return context.streams.confirm(fmt::format("forget those of {} that are replaced? [y/N] ",
                                             format_count(chosen.snapshots.size(), "snapshot")));
}

class RewriteCommand final : public ReplaceCommand {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
};

void RewriteCommand::declare(CLI::App& app) {
  ReplaceCommand::declare(app);
  add_repeated(app, "-e,--exclude", arguments_.excludes, "PATTERN",
               "Leave out what matches; may be repeated");
  add_repeated(app, "--exclude-file", arguments_.exclude_files, "FILE",
               "Patterns from a file, one a line");
}

std::optional<UsageError> RewriteCommand::check(const CommandLine& line) {
  if (auto error = ReplaceCommand::check(line)) {
    return error;
  }
  if (arguments_.excludes.empty() && arguments_.exclude_files.empty()) {
    return usage_error("say what to leave out: --exclude or --exclude-file");
  }
  return std::nullopt;
}

}  // namespace

void ReplaceCommand::declare(CLI::App& app) {
  add_words(app, "SNAP", arguments_.filter.names, "Only these snapshots");
  app.add_flag("--forget", arguments_.forget, "Forget the snapshots that were replaced");
  app.add_flag("-y,--yes", arguments_.yes, "Do not ask before forgetting");
  app.add_flag("-n,--dry-run", arguments_.dry_run, "Say what would change, write nothing");
  add_filter(app, filter_);
}

std::optional<UsageError> ReplaceCommand::check(const CommandLine& /*line*/) {
  return take_filter(filter_, arguments_.filter);
}

core::Result<ExitCode> ReplaceCommand::run(Context& context) const {
  Streams& streams = context.streams;
  repo::PathFilter exclude;
  CAIRN_TRY_STATUS(add_excludes(arguments_.exclude_files, arguments_.excludes, streams, exclude));
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(auto filter, resolved(arguments_.filter, streams));
  const repo::RewriteOptions options{.filter = std::move(filter),
                                     .forget = arguments_.forget,
                                     .dry_run = arguments_.dry_run,
                                     .program_version = std::string(core::version()),
                                     .stop = streams.stop};
  CAIRN_TRY(const bool confirmed,
            confirm(arguments_, options.filter, repository, observer, context));
  if (!confirmed) {
    context.console.say("nothing was changed");
    return ExitCode::failed;
  }
  CAIRN_TRY(const repo::RewriteReport report,
            arguments_.mend ? repo::repair_snapshots(repository, options, observer)
                            : repo::rewrite(repository, exclude, options, observer));
  if (context.console.json()) {
    Json json = rewrite_view(report);
    json["dry_run"] = arguments_.dry_run;
    context.console.print_json(json);
  } else {
    print_report(report, arguments_, context);
  }
  return report.unreadable > 0 ? ExitCode::partial : ExitCode::ok;
}

constexpr CommandSpec kRewriteCommand = {
    .name = "rewrite",
    .summary = "Take files out of snapshots",
    .details =
        "A snapshot that has something in it that a pattern matches gets a replacement\n"
        "without it, under a new id; contents are not read. The old one stays unless\n"
        "--forget is given; then a prune gives the space back. Patterns are those of\n"
        "backup. Needs a key of role admin.\n",
    .examples =
        "  cairn rewrite --exclude /home/ada/Downloads --dry-run\n"
        "  cairn rewrite -e 'node_modules/' -e '*.iso' --host laptop --forget\n"
        "  cairn rewrite --exclude-file ~/.not-backed-up 3f2a91c0\n",
    .json = JsonForm::lines,
    .make = make_command<RewriteCommand>,
};

}  // namespace cairn::cli
