#include "cairn/repo/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/core/version.h"
#include "cairn/repo/verify.h"
#include "commands/commands.h"
#include "commands/finding.h"
#include "io/absolute_path.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

Json ids_view(const std::vector<repo::PackId>& ids) {
  Json list = Json::array();
  for (const repo::PackId& id : ids) {
    list.push_back(id.hex());
  }
  return list;
}

void print_report(const repo::RepairIndexReport& report, bool dry_run, Console& console) {
  for (const repo::PackId& id : report.missing) {
    console.print(
        fmt::format("pack {} is gone; what it held is stored again by the next backup of "
                    "files that still have it",
                    id.hex()));
  }
  for (const repo::PackId& id : report.unreadable) {
    console.print(fmt::format("pack {} is damaged, and no index segment lists it", id.hex()));
  }
  console.say(fmt::format("{}: {} damaged; {} there, of which {} in none",
                          format_count(report.segments_before, "index segment"),
                          report.segments_damaged, format_count(report.packs, "pack"),
                          report.packs_found));
  if (!dry_run) {
    console.say(fmt::format("written anew as {}; see what is lost with: cairn verify",
                            format_count(report.segments_after, "index segment")));
  }
}

/// Packs as verify names them, "packs/ab/abcd...", or by their ids.
core::Result<std::vector<repo::PackId>> parse_packs(const std::vector<std::string>& names) {
  std::vector<repo::PackId> ids;
  for (const std::string& name : names) {
    const std::size_t slash = name.rfind('/');
    const auto id = repo::PackId::from_hex(name.substr(slash == std::string::npos ? 0 : slash + 1));
    if (!id) {
      return core::fail(core::ErrorCode::invalid_argument,
                        fmt::format("{} is not the name of a pack", name),
                        "give it as cairn verify --check-integrity does: packs/ab/abcd...");
    }
    ids.push_back(*id);
  }
  return ids;
}

void print_packs_report(const repo::RepairPacksReport& report, bool dry_run, Console& console) {
  for (const repo::PackId& id : report.damaged) {
    console.print(fmt::format("pack {} is damaged", id.hex()));
  }
  console.say(fmt::format("checked {}: {} damaged", format_count(report.packs_checked, "pack"),
                          report.damaged.size()));
  if (dry_run) {
    console.say(fmt::format("{} that snapshots need are in no pack",
                            format_count(report.missing_before, "chunk")));
    return;
  }
  if (!report.damaged.empty()) {
    console.say(fmt::format("saved {} out of them, {} cannot be read; {} removed",
                            format_count(report.chunks_saved, "chunk"), report.chunks_unreadable,
                            format_count(report.packs_removed, "pack")));
  }
  if (report.packs_kept > 0) {
    console.say(fmt::format("{} stay for now: others are at work, or they cannot be read at all",
                            format_count(report.packs_kept, "damaged pack")));
  }
  const std::uint64_t healed = report.healed_from_sources + report.healed_from_repository;
  if (healed > 0) {
    console.say(fmt::format("healed {}: {} from files, {} from the other repository",
                            format_count(healed, "chunk"), report.healed_from_sources,
                            report.healed_from_repository));
  }
}

/// What is lost all the same, by path.
core::Result<ExitCode> tell_losses(repo::Repository& repository, Context& context, Json& json) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(const repo::VerifyReport left,
            repo::verify(repository, {.snapshots = {}, .stop = context.streams.stop}, observer));
  if (context.console.json()) {
    json["left"] = verify_view(left);
  } else {
    for (const repo::Finding& finding : left.findings) {
      print_finding(finding, context.console);
    }
    const bool loses_paths = std::ranges::any_of(
        left.findings, [](const auto& found) { return found.affected_count > 0; });
    context.console.say(
        loses_paths         ? "what is left of these snapshots is saved by: cairn repair snapshots"
        : left.damaged()    ? "no path of a snapshot is lost; what ends the rest is told with it"
        : left.unreadable() ? "what could not be read cannot be judged"
                            : "nothing is lost");
  }
  return verdict_of(left);
}

}  // namespace

core::Result<ExitCode> execute(const RepairObjectsArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(
      const std::vector<repo::RepairedObject> objects,
      repo::repair_objects(repository, {.dry_run = arguments.dry_run, .stop = context.streams.stop},
                           observer));
  Json list = Json::array();
  std::uint64_t mended = 0;
  for (const repo::RepairedObject& object : objects) {
    const std::string_view action = repo::to_string(object.action);
    mended += object.action == repo::RepairedObject::Action::left ? 0 : 1;
    if (console.json()) {
      list.push_back({{"object", object.object}, {"action", action}, {"message", object.message}});
    } else {
      console.print(fmt::format("{}{}: {}: {}", arguments.dry_run ? "would be " : "", action,
                                object.object, object.message));
    }
  }
  const std::uint64_t left = objects.size() - mended;
  if (console.json()) {
    console.print_json({{"objects", std::move(list)},
                        {"mended", mended},
                        {"left", left},
                        {"dry_run", arguments.dry_run}});
  } else {
    console.say(objects.empty()
                    ? "every small object is intact"
                    : fmt::format("{} {}, {} left as they are", format_count(mended, "object"),
                                  arguments.dry_run ? "would be mended" : "mended", left));
  }
  return left == 0 ? ExitCode::ok : ExitCode::failed;
}

core::Result<ExitCode> execute(const RepairIndexArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(
      const repo::RepairIndexReport report,
      repo::repair_index(repository, {.dry_run = arguments.dry_run, .stop = context.streams.stop},
                         observer));
  if (context.console.json()) {
    context.console.print_json({{"segments_before", report.segments_before},
                                {"segments_damaged", report.segments_damaged},
                                {"segments_after", report.segments_after},
                                {"packs", report.packs},
                                {"packs_found", report.packs_found},
                                {"missing", ids_view(report.missing)},
                                {"unreadable", ids_view(report.unreadable)},
                                {"dry_run", arguments.dry_run}});
  } else {
    print_report(report, arguments.dry_run, context.console);
  }
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const RepairPacksArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(std::vector<repo::PackId> packs, parse_packs(arguments.packs));
  std::optional<repo::Repository> from;
  if (!arguments.from.repository.empty()) {
    CAIRN_TRY(from, open_repository_to_copy_from(arguments.from, context, observer));
  }
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  repo::RepairPacksOptions options{.packs = std::move(packs),
                                   .from = from ? &*from : nullptr,
                                   .dry_run = arguments.dry_run,
                                   .program_version = std::string(core::version()),
                                   .stop = context.streams.stop};
  for (const std::string& path : arguments.sources) {
    CAIRN_TRY(std::string whole, absolute_path(path, context.streams));
    options.sources.push_back(std::move(whole));
  }
  CAIRN_TRY(const repo::RepairPacksReport report,
            repo::repair_packs(repository, options, observer));
  if (!console.json()) {
    print_packs_report(report, arguments.dry_run, console);
  }
  Json json = repair_packs_view(report);
  json["dry_run"] = arguments.dry_run;
  ExitCode exit = ExitCode::ok;
  if (!arguments.dry_run) {
    CAIRN_TRY(exit, tell_losses(repository, context, json));
  }
  if (console.json()) {
    console.print_json(json);
  }
  return exit;
}

}  // namespace cairn::cli
