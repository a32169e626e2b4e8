#include "commands/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/core/version.h"
#include "cairn/repo/repair.h"
#include "cairn/repo/verify.h"
#include "command_line/option_words.h"
#include "command_line/repository_options.h"
#include "commands/commands.h"
#include "commands/finding.h"
#include "commands/rewrite.h"
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

/// Packs in the spelling of verify, "packs/ab/abcd...", or by their ids.
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

/// What is still lost, by path.
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

void add_dry_run(CLI::App& app, bool& dry_run) {
  app.add_flag("-n,--dry-run", dry_run, "Say what is wrong, write nothing");
}

class RepairObjectsCommand final : public Command {
 public:
  void declare(CLI::App& app) override { add_dry_run(app, dry_run_); }
  core::Result<ExitCode> run(Context& context) const override;

 private:
  bool dry_run_ = false;
};

core::Result<ExitCode> RepairObjectsCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const std::vector<repo::RepairedObject> objects,
            repo::repair_objects(repository, {.dry_run = dry_run_, .stop = context.streams.stop},
                                 observer));
  Json list = Json::array();
  std::uint64_t mended = 0;
  for (const repo::RepairedObject& object : objects) {
    const std::string_view action = repo::to_string(object.action);
    mended += object.action == repo::RepairedObject::Action::left ? 0 : 1;
    if (console.json()) {
      list.push_back({{"object", object.object}, {"action", action}, {"message", object.message}});
    } else {
      console.print(fmt::format("{}{}: {}: {}", dry_run_ ? "would be " : "", action, object.object,
                                object.message));
    }
  }
  const std::uint64_t left = objects.size() - mended;
  if (console.json()) {
    console.print_json(
        {{"objects", std::move(list)}, {"mended", mended}, {"left", left}, {"dry_run", dry_run_}});
  } else {
    console.say(objects.empty()
                    ? "every small object is intact"
                    : fmt::format("{} {}, {} left as they are", format_count(mended, "object"),
                                  dry_run_ ? "would be mended" : "mended", left));
  }
  return left == 0 ? ExitCode::ok : ExitCode::failed;
}

class RepairIndexCommand final : public Command {
 public:
  void declare(CLI::App& app) override { add_dry_run(app, dry_run_); }
  core::Result<ExitCode> run(Context& context) const override;

 private:
  bool dry_run_ = false;
};

core::Result<ExitCode> RepairIndexCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::RepairIndexReport report,
            repo::repair_index(repository, {.dry_run = dry_run_, .stop = context.streams.stop},
                               observer));
  if (context.console.json()) {
    context.console.print_json({{"segments_before", report.segments_before},
                                {"segments_damaged", report.segments_damaged},
                                {"segments_after", report.segments_after},
                                {"packs", report.packs},
                                {"packs_found", report.packs_found},
                                {"missing", ids_view(report.missing)},
                                {"unreadable", ids_view(report.unreadable)},
                                {"dry_run", dry_run_}});
  } else {
    print_report(report, dry_run_, context.console);
  }
  return ExitCode::ok;
}

class RepairPacksCommand final : public CommandWith<RepairPacksArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& /*line*/) override {
    return check_from(arguments_.from);
  }
  core::Status locate(Context& context) const override;
  core::Result<ExitCode> run(Context& context) const override;
};

void RepairPacksCommand::declare(CLI::App& app) {
  add_words(app, "PACK", arguments_.packs, "Only these packs, as verify names them");
  add_repeated(app, "--from-source", arguments_.sources, "PATH",
               "Look for what is lost in these files and folders; may be repeated");
  add_from(app, arguments_.from, "Look for it in this repository, too");
  add_dry_run(app, arguments_.dry_run);
}

core::Status RepairPacksCommand::locate(Context& context) const {
  CAIRN_TRY_STATUS(Command::locate(context));
  CAIRN_TRY_STATUS(location_to_copy_from(arguments_.from, context.streams));
  return {};
}

core::Result<ExitCode> RepairPacksCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(std::vector<repo::PackId> packs, parse_packs(arguments_.packs));
  std::optional<repo::Repository> from;
  if (!arguments_.from.repository.empty()) {
    CAIRN_TRY(from, open_repository_to_copy_from(arguments_.from, context, observer));
  }
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  repo::RepairPacksOptions options{.packs = std::move(packs),
                                   .from = from ? &*from : nullptr,
                                   .dry_run = arguments_.dry_run,
                                   .program_version = std::string(core::version()),
                                   .stop = context.streams.stop};
  for (const std::string& path : arguments_.sources) {
    CAIRN_TRY(std::string whole, absolute_path(path, context.streams));
    options.sources.push_back(std::move(whole));
  }
  CAIRN_TRY(const repo::RepairPacksReport report,
            repo::repair_packs(repository, options, observer));
  if (!console.json()) {
    print_packs_report(report, arguments_.dry_run, console);
  }
  Json json = repair_packs_view(report);
  json["dry_run"] = arguments_.dry_run;
  ExitCode exit = ExitCode::ok;
  if (!arguments_.dry_run) {
    CAIRN_TRY(exit, tell_losses(repository, context, json));
  }
  if (console.json()) {
    console.print_json(json);
  }
  return exit;
}

class RepairSnapshotsCommand final : public ReplaceCommand {
 public:
  RepairSnapshotsCommand() { arguments_.mend = true; }
};

}  // namespace

constexpr CommandSpec kRepairCommand = {
    .name = "repair",
    .summary = "Make good what can be made good",
    .details =
        "Run cairn verify first: it says what is wrong. Then, in this order: objects, index,\n"
        "packs, snapshots. Each does nothing where nothing is wrong.\n",
    .examples =
        "  cairn verify --check-integrity\n"
        "  cairn repair objects\n"
        "  cairn repair index\n"
        "  cairn repair packs --from-source /home\n"
        "  cairn repair snapshots --forget\n",
};

constexpr CommandSpec kRepairObjectsCommand = {
    .name = "repair objects",
    .summary = "Mend the config, keys, snapshots and other small objects",
    .details =
        "The config, key slots, snapshots and records of what was forgotten are stored twice:\n"
        "where one copy is damaged it is written anew from the other one, the config from\n"
        "the key slots if need be. Marks, settings, announcements and records of what was\n"
        "forgotten that cannot be read count for nothing and are removed, as are copies under\n"
        "wrong names; what that means is told. What the storage does not give is never touched.\n"
        "What this cannot mend is left, told with what ends it, and the exit status is 1: a\n"
        "snapshot or key of which both copies are damaged, a damaged record of what a prune was\n"
        "about to delete. Snapshots that are gone are for cairn repair snapshots.\n",
    .examples =
        "  cairn repair objects --dry-run\n"
        "  cairn repair objects\n",
    .make = make_command<RepairObjectsCommand>,
};

constexpr CommandSpec kRepairIndexCommand = {
    .name = "repair index",
    .summary = "Write the index anew from the packs",
    .details =
        "Damaged or missing index segments are replaced from the packs' own directories,\n"
        "and packs that are gone leave the index: then the next backup of files that had\n"
        "chunks in them stores these again, and older snapshots are whole again, too.\n",
    .examples =
        "  cairn repair index --dry-run\n"
        "  cairn repair index\n",
    .make = make_command<RepairIndexCommand>,
};

constexpr CommandSpec kRepairPacksCommand = {
    .name = "repair packs",
    .summary = "Save what is readable of damaged packs, and find what is lost",
    .details =
        "Reads all packs, copies what is intact in damaged ones into new ones, and deletes\n"
        "them. Then what snapshots need and no pack has is looked for in files that may\n"
        "still have it, under whatever names, and in another repository; what is found is\n"
        "stored, and the snapshots are whole again. Backups may run meanwhile; those that\n"
        "were under way are waited for. The exit status is 4 if something stays lost; it\n"
        "is told by path. Needs a key of role admin.\n",
    .examples =
        "  cairn repair packs --dry-run\n"
        "  cairn repair packs --from-source /home --from-source /etc\n"
        "  cairn repair packs --from-repo /mnt/offsite\n",
    .json = JsonForm::lines,
    .make = make_command<RepairPacksCommand>,
};

constexpr CommandSpec kRepairSnapshotsCommand = {
    .name = "repair snapshots",
    .summary = "Replace snapshots that need what is lost",
    .details =
        "A snapshot that has lost something gets a replacement that can be restored,\n"
        "under a new id: entries of folders that cannot be read are left out, and lost\n"
        "bytes of files read as zeros; every loss is told. The old one stays unless\n"
        "--forget is given. Repair packs first: what they still have is not lost.\n"
        "Of each snapshot that is gone as a whole without having been forgotten, which verify\n"
        "tells as damage of its client's chain, it is noted that it was lost, whichever ones\n"
        "are named. From then on it counts as forgotten, should it come back, too: look for a\n"
        "copy of the repository that still has it before. Two snapshots of one number in a\n"
        "chain are no damage, and stay.\n"
        "Needs a key of role admin.\n",
    .examples =
        "  cairn repair snapshots --dry-run\n"
        "  cairn repair snapshots --forget\n",
    .json = JsonForm::lines,
    .make = make_command<RepairSnapshotsCommand>,
};

}  // namespace cairn::cli
