#include "commands/forget.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "cairn/repo/forget.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "command_line/retention_options.h"
#include "commands/commands.h"
#include "commands/prune.h"
#include "output/snapshot_line.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/table.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

/// "daily (partial)"
std::string type_of(const repo::Snapshot& snapshot, core::Clock& clock) {
  const std::string flaws = snapshot_flaws(snapshot, clock.now());
  return fmt::format("{}{}", to_string(snapshot.type),
                     flaws.empty() ? flaws : fmt::format(" ({})", flaws));
}

std::vector<std::string> group_table(const repo::ForgetPlan& plan,
                                     const repo::RetentionGroup& group, core::Clock& clock) {
  Table table({{"ID"}, {"TIME"}, {"TYPE"}, {""}, {"WHY"}});
  for (const repo::RetentionVerdict& verdict : group.verdicts) {
    const repo::ListedSnapshot& listed = plan.snapshots[verdict.index];
    std::string reasons;
    for (const std::string& reason : verdict.reasons) {
      reasons += (reasons.empty() ? "" : ", ") + escape_name(reason);
    }
    table.add({listed.id.short_hex(), format_local_time(listed.snapshot.start, clock),
               type_of(listed.snapshot, clock), verdict.keep ? "keep" : "forget",
               verdict.keep ? reasons : "no rule keeps it"});
  }
  return table.lines();
}

/// What stays and what goes, for people.
std::vector<std::string> plan_lines(const repo::ForgetPlan& plan, core::Clock& clock) {
  std::vector<std::string> lines;
  for (const repo::RetentionGroup& group : plan.groups) {
    if (!lines.empty()) {
      lines.emplace_back();
    }
    lines.push_back(group_line({group.host, group.set, group.paths, group.tags, {}}) + ":");
    for (std::string& line : group_table(plan, group, clock)) {
      lines.push_back(std::move(line));
    }
  }
  if (plan.groups.empty()) {
    for (const repo::SnapshotId& id : plan.doomed) {
      lines.push_back(fmt::format("forget {}: by name", id.short_hex()));
    }
  }
  return lines;
}

void tell(const repo::ForgetReport& report, bool dry_run, bool prunes, Context& context) {
  Console& console = context.console;
  const repo::ForgetPlan& plan = report.plan;
  if (dry_run || console.verbose()) {
    for (const std::string& line : plan_lines(plan, context.streams.clock)) {
      console.print(line);
    }
  }
  const std::uint64_t count = dry_run ? plan.doomed.size() : report.forgotten;
  std::string text = fmt::format("{} {}", format_count(count, "snapshot"),
                                 dry_run ? "would be forgotten" : "forgotten");
  if (!plan.groups.empty()) {
    text += fmt::format(", {} kept", plan.snapshots.size() - plan.doomed.size());
  }
  if (plan.already_forgotten > 0) {
    text += fmt::format(", {} forgotten before", plan.already_forgotten);
  }
  console.say(text);
  if (report.forgotten > 0 && !prunes) {
    console.say("the space that they alone took is given back by: cairn prune");
  }
}

class ForgetCommand final : public CommandWith<ForgetArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedRetention retention_;
  std::optional<std::string> group_by_;
  TypedFilter filter_;
  bool prunes_ = false;
  TypedPrune typed_prune_;
  PruneArguments prune_;
};

void ForgetCommand::declare(CLI::App& app) {
  add_words(app, "SNAP", arguments_.snapshots, "These snapshots, instead of a policy");
  app.add_flag("-n,--dry-run", arguments_.dry_run, "Say what would stay, and why; forget nothing");
  app.add_flag("--prune", prunes_, "Give back the space afterwards, as cairn prune does");
  add_prune_options(app, typed_prune_, prune_);
  add_retention(app, retention_);
  add_group_by(app, group_by_,
               "Count for each host, name, paths, tags; host,name,paths\nunless given, \"\" for "
               "all together")
      ->group("Which snapshots");
  add_filter(app, filter_);
}

std::optional<UsageError> ForgetCommand::check(const CommandLine& /*line*/) {
  repo::RetentionRules& rules = arguments_.rules;
  if (auto error = take_retention(retention_, rules)) {
    return error;
  }
  if (group_by_) {
    if (auto error = take_grouping(*group_by_, rules.group_by)) {
      return error;
    }
  }
  if (auto error = take_filter(filter_, arguments_.filter)) {
    return error;
  }
  if (arguments_.snapshots.empty()) {
    if (rules.is_empty()) {
      return usage_error("forget what? say what to keep, such as --keep-daily 7, or give SNAP");
    }
  } else if (group_by_.has_value() || !rules.is_empty()) {
    return usage_error("give either SNAP or what to keep, not both");
  }
  if (auto error = take_prune_options(typed_prune_, prune_)) {
    return error;
  }
  if (prunes_) {
    arguments_.prune = prune_;
    arguments_.prune->dry_run = arguments_.dry_run;
  }
  return std::nullopt;
}

core::Result<ExitCode> ForgetCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(auto filter, resolved(arguments_.filter, context.streams));
  const repo::ForgetOptions options{.snapshots = arguments_.snapshots,
                                    .rules = arguments_.rules,
                                    .filter = std::move(filter),
                                    .dry_run = arguments_.dry_run,
                                    .stop = context.streams.stop};
  CAIRN_TRY(const repo::ForgetReport report, repo::forget(repository, options, observer));
  if (!context.console.json()) {
    tell(report, arguments_.dry_run, arguments_.prune.has_value(), context);
  }
  Json json = forget_view(report);
  json["dry_run"] = arguments_.dry_run;
  if (arguments_.prune) {
    CAIRN_TRY(const repo::PruneReport pruned,
              prune_and_tell(repository, *arguments_.prune, report.plan.doomed, context));
    json["prune"] = prune_view(pruned);
  }
  if (context.console.json()) {
    context.console.print_json(json);
  }
  return ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kForgetCommand = {
    .name = "forget",
    .summary = "Forget snapshots that a policy does not keep, or those named",
    .details =
        "Each group (host, name, paths) is judged by itself, from its newest snapshot on. A\n"
        "snapshot stays if one rule keeps it: --keep-daily 7 keeps the last one of each of the\n"
        "seven newest days that have one, and as long as there are fewer, the oldest. Days and\n"
        "weeks are those of the time zone where the snapshot was made. Pinned snapshots stay, and\n"
        "restore points unless --policy or --type names them. Partial snapshots count for\n"
        "nothing: they stay until a whole one is newer; those dated in the future stay until\n"
        "then. While a snapshot cannot be read no policy forgets anything.\n"
        "Forgotten is forgotten: only the space is still taken, until the next prune.\n",
    .examples =
        "  cairn forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run\n"
        "  cairn forget --keep-within 1mo --policy hourly:hourly=48 --host laptop\n"
        "  cairn forget --keep-last 10 --prune\n"
        "  cairn forget --type restore_point --keep-within 30d\n"
        "  cairn forget 3f2a91c0 latest~1\n",
    .make = make_command<ForgetCommand>,
};

}  // namespace cairn::cli
