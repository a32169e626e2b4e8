#include <fmt/format.h>

#include <algorithm>

#include "cairn/repo/browse.h"
#include "cairn/repo/diff.h"
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

/// One side as the library wants it; `listed` keeps the snapshot alive.
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

}  // namespace

core::Result<ExitCode> execute(const DiffArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  const auto path_of = [&context](const DiffPlace& place) -> core::Result<std::string> {
    return place.snapshot.empty() ? absolute_path(place.path, context.streams) : place.path;
  };
  CAIRN_TRY(std::string before_path, path_of(arguments.before));
  CAIRN_TRY(std::string after_path, path_of(arguments.after));
  if (before_path.empty()) {
    before_path = after_path;
  } else if (after_path.empty()) {
    after_path = before_path;
  }
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  repo::ListedSnapshot before;
  repo::ListedSnapshot after;
  repo::DiffOptions options;
  CAIRN_TRY(options.before, make_side(arguments.before, before_path, repository, context, observer,
                                      arguments.filter, before));
  CAIRN_TRY(options.after, make_side(arguments.after, after_path, repository, context, observer,
                                     arguments.filter, after));
  options.compare_contents = arguments.checksum;
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
  return arguments.exit_code && differs ? ExitCode::failed : ExitCode::ok;
}

}  // namespace cairn::cli
