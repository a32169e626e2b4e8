#include "commands/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cairn/repo/browse.h"
#include "cairn/repo/diff.h"
#include "command_line/choice_options.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "io/absolute_path.h"
#include "text/escape.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

char change_letter(const repo::Difference& change) {
  switch (change.type) {
    case repo::DifferenceType::added:
      return '+';
    case repo::DifferenceType::removed:
      return '-';
    case repo::DifferenceType::type:
      return 'T';
    case repo::DifferenceType::modified:
      break;
  }
  return std::any_of(change.fields.begin(), change.fields.end(), repo::is_content) ? 'M' : 'U';
}

/// "M /path  [content mtime]"
std::string change_line(const repo::Difference& change) {
  const repo::Entry& entry = change.after ? *change.after : *change.before;
  std::string line = fmt::format("{} {}", change_letter(change), escape_name(change.path));
  if (entry.type == repo::EntryType::folder && !line.ends_with('/')) {
    line += '/';
  }
  if (change.type == repo::DifferenceType::type) {
    line +=
        fmt::format("  [{} -> {}]", to_string(change.before->type), to_string(change.after->type));
  }
  std::string fields;
  for (const repo::ChangedField field : change.fields) {
    fields += fmt::format("{}{}", fields.empty() ? "" : " ", to_string(field));
  }
  return fields.empty() ? line : fmt::format("{}  [{}]", line, fields);
}

std::string counts_text(const repo::TreeCounts& counts) {
  return fmt::format("{}, {}, {} others, {}", format_count(counts.files, "file"),
                     format_count(counts.folders, "folder"), counts.symlinks + counts.others,
                     format_size(counts.bytes));
}

void say_summary(const repo::DiffReport& report, Console& console) {
  console.say(fmt::format("added:   {}", counts_text(report.added)));
  console.say(fmt::format("removed: {}", counts_text(report.removed)));
  console.say(fmt::format("changed: {} in content, {} in metadata only, {} in type",
                          report.content_changed, report.metadata_changed, report.type_changed));
}

/// One side in the form of the library; `listed` keeps the snapshot alive.
core::Result<repo::DiffSide> make_side(const DiffPlace& place, std::string path,
                                       repo::Repository& repository, Context& context,
                                       repo::Observer& observer, const repo::SnapshotFilter& filter,
                                       repo::ListedSnapshot& listed) {
  if (place.snapshot.empty()) {
    return repo::DiffSide{.snapshot = nullptr, .path = std::move(path)};
  }
  const SnapshotChoice choice{.snapshot = place.snapshot, .at = {}, .filter = filter, .path = {}};
  auto found = choose_snapshot(repository, choice, context, observer);
  const bool may_be_file = place.path.empty() && !place.snapshot.starts_with("latest");
  if (!found && may_be_file) {
    return core::fail(core::Error(
        found.error().code(), found.error().message(),
        fmt::format("see cairn snapshots; a path on disk is written ./{}", place.snapshot)));
  }
  CAIRN_TRY(listed, std::move(found));
  return repo::DiffSide{.snapshot = &listed.snapshot, .path = std::move(path)};
}

/// The snapshot's id, or null for a path on disk; and the path.
Json side_view(const repo::DiffSide& side, const repo::ListedSnapshot& listed) {
  Json json;
  json["snapshot"] = side.snapshot == nullptr ? Json(nullptr) : Json(listed.id.hex());
  put_bytes(json, "path", side.path);
  return json;
}

/// "SNAP" and "SNAP:/path" are snapshots; any other word with a '/' is a path on disk.
DiffPlace diff_place(const std::string& word) {
  repo::SnapshotPath named = repo::parse_snapshot_path(word);
  const bool is_snapshot = !named.snapshot.empty() && named.snapshot[0] != '.' &&
                           named.snapshot.find('/') == std::string::npos;
  return is_snapshot ? DiffPlace{std::move(named.snapshot), std::move(named.path)}
                     : DiffPlace{std::string(), word};
}

class DiffCommand final : public CommandWith<DiffArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedFilter filter_;
  std::string before_;
  std::string after_;
};

void DiffCommand::declare(CLI::App& app) {
  add_text(app, "BEFORE", before_, "", "SNAP, SNAP:/path, or a path on disk")->required();
  add_text(app, "AFTER", after_, "", "The same; one of the two must be a snapshot")->required();
  app.add_flag("--checksum", arguments_.checksum,
               "Read files on disk even if their size and time are as recorded");
  app.add_flag("--exit-code", arguments_.exit_code, "End with 1 if there are differences");
  add_filter(app, filter_);
}

std::optional<UsageError> DiffCommand::check(const CommandLine& /*line*/) {
  if (before_.empty() || after_.empty()) {
    return usage_error("a side to compare is empty");
  }
  if (auto error = take_filter(filter_, arguments_.filter)) {
    return error;
  }
  arguments_.before = diff_place(before_);
  arguments_.after = diff_place(after_);
  if (arguments_.before.snapshot.empty() && arguments_.after.snapshot.empty()) {
    return usage_error("one of the two must be a snapshot: SNAP or SNAP:/path");
  }
  return std::nullopt;
}

core::Result<ExitCode> DiffCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  const auto path_of = [&context](const DiffPlace& place) -> core::Result<std::string> {
    return place.snapshot.empty() ? absolute_path(place.path, context.streams) : place.path;
  };
  CAIRN_TRY(std::string before_path, path_of(arguments_.before));
  CAIRN_TRY(std::string after_path, path_of(arguments_.after));
  if (before_path.empty()) {
    before_path = after_path;
  } else if (after_path.empty()) {
    after_path = before_path;
  }
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  repo::ListedSnapshot before;
  repo::ListedSnapshot after;
  repo::DiffOptions options;
  CAIRN_TRY(options.before, make_side(arguments_.before, before_path, repository, context, observer,
                                      arguments_.filter, before));
  CAIRN_TRY(options.after, make_side(arguments_.after, after_path, repository, context, observer,
                                     arguments_.filter, after));
  options.compare_contents = arguments_.checksum;
  options.stop = context.streams.stop;
  bool differs = false;
  const auto visit = [&](const repo::Difference& change) -> core::Status {
    differs = true;
    if (console.json()) {
      console.print_json(change_view(change));
    } else {
      console.print(change_line(change));
    }
    return console.check_output();
  };
  CAIRN_TRY(const repo::DiffReport report, repo::diff(repository, options, observer, visit));
  if (console.json()) {
    Json json = diff_view(report);
    json["before"] = side_view(options.before, before);
    json["after"] = side_view(options.after, after);
    console.print_json(json);
  } else {
    say_summary(report, console);
  }
  if (report.problem_count > 0) {
    return ExitCode::partial;
  }
  return arguments_.exit_code && differs ? ExitCode::failed : ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kDiffCommand = {
    .name = "diff",
    .summary = "Say what changed between two snapshots, or since one",
    .details =
        "A line for each object that differs: + added, - removed, M other content, U other\n"
        "metadata only, T another type; in brackets what is different. A path on disk has a\n"
        "/ in it (./name); without a path of its own a snapshot is compared at the path of\n"
        "the other side. A file on disk counts as unchanged if its size and time are as\n"
        "recorded, unless --checksum is given; what the backup left out by choice is shown\n"
        "as added. The exit status is 0 whether or not there are differences, 1 with\n"
        "--exit-code if there are some, and 3 if something on disk could not be read.\n",
    .examples =
        "  cairn diff latest~1 latest\n"
        "  cairn diff latest:/home/ada /home/ada --checksum\n"
        "  cairn diff 3f2a91c0:/etc latest --json\n",
    .json = JsonForm::lines,
    .make = make_command<DiffCommand>,
};

}  // namespace cairn::cli
