#include "cairn/repo/find.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "commands/commands.h"
#include "output/entry_line.h"
#include "output/snapshot_line.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/table.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

std::optional<repo::EntryType> entry_type(std::optional<FindType> type) {
  if (!type) {
    return std::nullopt;
  }
  switch (*type) {
    case FindType::file:
      return repo::EntryType::file;
    case FindType::folder:
      return repo::EntryType::folder;
    case FindType::symlink:
      break;
  }
  return repo::EntryType::symlink;
}

core::Result<ExitCode> find_entries(const FindArguments& arguments, repo::Repository& repository,
                                    const std::vector<repo::ListedSnapshot>& snapshots,
                                    Context& context, repo::Observer& observer) {
  Console& console = context.console;
  core::Clock& clock = context.streams.clock;
  const auto moment = [&clock](const std::optional<Moment>& typed) {
    return typed ? std::optional(resolve(*typed, clock)) : std::nullopt;
  };
  const repo::FindOptions options{.patterns = arguments.patterns,
                                  .ignore_case = arguments.ignore_case,
                                  .newer = moment(arguments.newer),
                                  .older = moment(arguments.older),
                                  .larger = arguments.larger,
                                  .smaller = arguments.smaller,
                                  .type = entry_type(arguments.type),
                                  .stop = context.streams.stop};
  const repo::ListedSnapshot* last = nullptr;
  const auto visit = [&](const repo::ListedSnapshot& listed,
                         const repo::ListedEntry& entry) -> core::Status {
    CAIRN_TRY_STATUS(check_stop(context.streams));
    const bool is_first = last != &listed;
    if (console.json()) {
      Json json = entry_view(entry);
      json["snapshot"] = listed.id.hex();
      console.print_json(json);
    } else {
      if (is_first) {
        if (last != nullptr) {
          console.print("");
        }
        console.print("snapshot " + snapshot_line(listed, clock));
      }
      console.print(entry_line(entry, clock));
    }
    last = &listed;
    return console.check_output();
  };
  CAIRN_TRY(const repo::FindReport report,
            repo::find(repository, snapshots, options, observer, visit));
  if (console.json()) {
    console.print_json(
        {{"type", "summary"}, {"snapshots", report.snapshots}, {"found", report.found}});
  } else if (report.found == 0) {
    console.say(fmt::format("nothing found in {}", format_count(report.snapshots, "snapshot")));
  }
  return ExitCode::ok;
}

core::Result<ExitCode> list_versions(const std::string& path, repo::Repository& repository,
                                     const std::vector<repo::ListedSnapshot>& snapshots,
                                     Context& context, repo::Observer& observer) {
  Console& console = context.console;
  core::Clock& clock = context.streams.clock;
  CAIRN_TRY(const auto versions,
            repo::find_versions(repository, snapshots, path, context.streams.stop, observer));
  if (console.json()) {
    for (const repo::FoundVersion& version : versions) {
      console.print_json(version_view(version));
    }
    console.print_json(
        {{"type", "summary"}, {"snapshots", snapshots.size()}, {"versions", versions.size()}});
    return ExitCode::ok;
  }
  if (versions.empty()) {
    console.say(fmt::format("{} is in none of {}", escape_name(path),
                            format_count(snapshots.size(), "snapshot")));
    return ExitCode::ok;
  }
  using Align = Table::Align;
  Table table({{"FIRST"},
               {"SINCE"},
               {"LAST"},
               {"UNTIL"},
               {"SNAPSHOTS", Align::right},
               {"TYPE"},
               {"SIZE", Align::right},
               {"MODIFIED"},
               {"CONTENT"}});
  for (const repo::FoundVersion& version : versions) {
    const repo::Entry& entry = version.entry;
    const bool is_file = entry.type == repo::EntryType::file;
    table.add({version.first.id.short_hex(), format_local_time(version.first.start, clock),
               version.last.id.short_hex(), format_local_time(version.last.start, clock),
               fmt::format("{}", version.snapshots), std::string(to_string(entry.type)),
               is_file ? format_size(entry.content.size_bytes) : "-",
               format_local_time(entry.mtime, clock), version.content_id.short_hex()});
  }
  for (const std::string& line : table.lines()) {
    console.print(line);
  }
  return ExitCode::ok;
}

}  // namespace

core::Result<ExitCode> execute(const FindArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto filter, resolved(arguments.filter, context.streams));
  CAIRN_TRY(const repo::SelectedSnapshots selected,
            repo::select_snapshots(repository, filter, observer));
  CAIRN_TRY(const ExitCode code,
            arguments.versions_of.empty()
                ? find_entries(arguments, repository, selected.snapshots, context, observer)
                : list_versions(arguments.versions_of, repository, selected.snapshots, context,
                                observer));
  return selected.unreadable.empty() ? code : ExitCode::partial;
}

}  // namespace cairn::cli
