#include "cairn/repo/forget.h"

#include <fmt/format.h>

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

}  // namespace

core::Result<ExitCode> execute(const ForgetArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(auto filter, resolved(arguments.filter, context.streams));
  const repo::ForgetOptions options{.snapshots = arguments.snapshots,
                                    .rules = arguments.rules,
                                    .filter = std::move(filter),
                                    .dry_run = arguments.dry_run,
                                    .stop = context.streams.stop};
  CAIRN_TRY(const repo::ForgetReport report, repo::forget(repository, options, observer));
  if (!context.console.json()) {
    tell(report, arguments.dry_run, arguments.prune.has_value(), context);
  }
  Json json = forget_view(report);
  json["dry_run"] = arguments.dry_run;
  if (arguments.prune) {
    CAIRN_TRY(const repo::PruneReport pruned,
              prune_and_tell(repository, *arguments.prune, report.plan.doomed, context));
    json["prune"] = prune_view(pruned);
  }
  if (context.console.json()) {
    context.console.print_json(json);
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
