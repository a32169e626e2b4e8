#include "commands/find.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>

#include "cairn/core/stop.h"
#include "cairn/repo/find.h"
#include "cairn/repo/path_filter.h"
#include "command_line/filter_options.h"
#include "command_line/option_values.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "output/entry_line.h"
#include "output/snapshot_line.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/table.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

std::optional<UsageError> take_size(std::string_view option, const std::string& text,
                                    std::optional<std::uint64_t>& size) {
  if (text.empty()) {
    return std::nullopt;
  }
  size = parse_size(text);
  if (size) {
    return std::nullopt;
  }
  return usage_error(fmt::format("{} {}: is no size; write 500, 10K, 1.5M or 2G", option, text));
}

std::optional<repo::EntryType> entry_type(std::string_view text) {
  if (text == "f") {
    return repo::EntryType::file;
  }
  if (text == "d") {
    return repo::EntryType::folder;
  }
  return text == "l" ? std::optional(repo::EntryType::symlink) : std::nullopt;
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
                                  .type = arguments.type,
                                  .stop = context.streams.stop};
  const repo::ListedSnapshot* last = nullptr;
  const auto visit = [&](const repo::ListedSnapshot& listed,
                         const repo::ListedEntry& entry) -> core::Status {
    CAIRN_TRY_STATUS(core::check_stop(context.streams.stop));
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

class FindCommand final : public CommandWith<FindArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedFilter filter_;
  std::string newer_;
  std::string older_;
  std::string larger_;
  std::string smaller_;
  std::string type_;
};

void FindCommand::declare(CLI::App& app) {
  add_words(app, "PATTERN", arguments_.patterns,
            "For names, or for paths if it has a /: * ? [...] **");
  add_text(app, "--versions", arguments_.versions_of, "PATH",
           "Instead of PATTERN: every version of this one path");
  add_repeated(app, "-s,--snapshot", arguments_.filter.names, "SNAP",
               "Only in this snapshot; may be repeated");
  add_text(app, "--newer", newer_, "TIME", "Modified after this time");
  add_text(app, "--older", older_, "TIME", "Modified at this time or before");
  add_text(app, "--larger", larger_, "SIZE", "Files of more than this: 500, 10K, 1.5M, 2G");
  add_text(app, "--smaller", smaller_, "SIZE", "Files of less than this");
  add_text(app, "--type", type_, "TYPE", "f (file), d (folder) or l (symbolic link)");
  app.add_flag("-i,--ignore-case", arguments_.ignore_case, "A is a, for ASCII letters");
  add_filter(app, filter_, {.type_name = "--snapshot-type"});
}

std::optional<UsageError> FindCommand::check(const CommandLine& /*line*/) {
  FindArguments& find = arguments_;
  if (auto error = take_filter(filter_, find.filter)) {
    return error;
  }
  const std::array mistakes = {
      take_moment("--newer", newer_, find.newer), take_moment("--older", older_, find.older),
      take_size("--larger", larger_, find.larger), take_size("--smaller", smaller_, find.smaller)};
  for (const auto& mistake : mistakes) {
    if (mistake) {
      return mistake;
    }
  }
  if (!type_.empty()) {
    find.type = entry_type(type_);
    if (!find.type) {
      return usage_error(fmt::format("--type {}: must be f, d or l", type_));
    }
  }
  repo::PathSelection selection;
  for (const std::string& pattern : find.patterns) {
    if (const auto added = selection.add(pattern); !added) {
      return usage_error(added.error().message());
    }
  }
  const bool has_conditions =
      find.newer || find.older || find.larger || find.smaller || find.type || find.ignore_case;
  if (find.versions_of.empty()) {
    if (find.patterns.empty() && !has_conditions) {
      return usage_error("what to find? give a PATTERN or --versions PATH");
    }
  } else if (!find.patterns.empty() || has_conditions) {
    return usage_error("--versions goes only with options that choose snapshots");
  } else if (!find.versions_of.starts_with('/')) {
    return usage_error(fmt::format("--versions {}: the path must begin with /", find.versions_of));
  }
  return std::nullopt;
}

core::Result<ExitCode> FindCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto filter, resolved(arguments_.filter, context.streams));
  CAIRN_TRY(const repo::SelectedSnapshots selected,
            repo::select_snapshots(repository, filter, observer));
  CAIRN_TRY(const ExitCode code,
            arguments_.versions_of.empty()
                ? find_entries(arguments_, repository, selected.snapshots, context, observer)
                : list_versions(arguments_.versions_of, repository, selected.snapshots, context,
                                observer));
  return selected.unreadable.empty() ? code : ExitCode::partial;
}

}  // namespace

constexpr CommandSpec kFindCommand = {
    .name = "find",
    .summary = "Find files in all snapshots",
    .details =
        "A PATTERN without a / is for names, one with a / for whole paths: from the root if\n"
        "it begins with /, else from any folder; ** stands for any number of folders.\n"
        "Without PATTERN everything fits that the other options let through. --versions\n"
        "lists in which snapshots one path changed.\n",
    .examples =
        "  cairn find '*.key' --newer 2026-01-01\n"
        "  cairn find 'Documents/**/report*' -i --host laptop --type f\n"
        "  cairn find '*' --snapshot latest --larger 1G\n"
        "  cairn find --versions /etc/fstab\n",
    .json = JsonForm::lines,
    .make = make_command<FindCommand>,
};

}  // namespace cairn::cli
