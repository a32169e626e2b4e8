#include "commands/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "cairn/repo/retention.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "output/snapshot_line.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/table.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

constexpr std::size_t kPathsShown = 3;

std::string paths_cell(const repo::Snapshot& snapshot) {
  std::string cell;
  const std::size_t count = snapshot.sources.size();
  const std::size_t shown = count > kPathsShown ? kPathsShown - 1 : count;
  for (std::size_t i = 0; i < shown; ++i) {
    cell += (i == 0 ? "" : ", ") + escape_name(snapshot.sources[i].path);
  }
  return shown == count ? cell : fmt::format("{} and {} more", cell, count - shown);
}

std::string tags_cell(const repo::Snapshot& snapshot) {
  std::string cell;
  for (const std::string& tag : snapshot.tags) {
    cell += (cell.empty() ? "" : ",") + escape_name(tag);
  }
  return cell;
}

/// "daily", "daily (partial, 2 problems, pinned)"
std::string type_cell(const repo::ListedSnapshot& listed, core::Clock& clock) {
  std::string notes = snapshot_flaws(listed.snapshot, clock.now());
  if (listed.pinned) {
    notes += notes.empty() ? "pinned" : ", pinned";
  }
  const std::string_view type = to_string(listed.snapshot.type);
  return notes.empty() ? std::string(type) : fmt::format("{} ({})", type, notes);
}

/// "3 min 05 s": how long it took.
std::string duration_cell(const repo::Snapshot& snapshot) {
  const std::int64_t seconds = snapshot.end.seconds - snapshot.start.seconds;
  constexpr std::int64_t kSecondsMax = 1'000'000'000;
  return seconds < 0 || seconds > kSecondsMax
             ? "-"
             : format_duration(static_cast<std::uint64_t>(seconds) * core::kNanosecondsPerSecond);
}

std::string name_cell(const std::string& text) { return escape_name(text); }

/// The beginning of a text that may be long.
std::string short_cell(const std::string& text) {
  constexpr std::size_t kColumns = 40;
  const std::string cell = escape_name(text);
  return display_width(cell) <= kColumns ? cell
                                         : std::string(shorten_to_head(cell, kColumns - 3)) + "...";
}

/// A column and its text for a snapshot.
struct Field {
  Table::Column column;
  std::function<std::string(const repo::ListedSnapshot&)> cell;
};

std::vector<Field> fields_of(ListForm form, bool describes, core::Clock& clock) {
  using Listed = const repo::ListedSnapshot&;
  constexpr auto kRight = Table::Align::right;
  constexpr auto kLeft = Table::Align::left;
  std::vector<Field> fields = {
      {{"ID"}, [](Listed listed) { return listed.id.short_hex(); }},
      {{"TIME"},
       [&clock](Listed listed) { return format_local_time(listed.snapshot.start, clock); }},
      {{"HOST", kLeft, 1}, [](Listed listed) { return name_cell(listed.snapshot.host); }},
      {{"NAME", kLeft, 2}, [](Listed listed) { return name_cell(listed.snapshot.set); }},
      {{"TYPE"}, [&clock](Listed listed) { return type_cell(listed, clock); }},
      {{"TAGS", kLeft, 3}, [](Listed listed) { return tags_cell(listed.snapshot); }}};
  const auto add = [&fields](Table::Column column, std::function<std::string(Listed)> cell) {
    fields.push_back({std::move(column), std::move(cell)});
  };
  if (form == ListForm::compact) {
    return fields;
  }
  if (form == ListForm::long_table) {
    add({"USER", kLeft, 7}, [](Listed listed) { return name_cell(listed.snapshot.user); });
    add({"TOOK", kRight, 8}, [](Listed listed) { return duration_cell(listed.snapshot); });
  }
  add({"FILES", kRight, 5},
      [](Listed listed) { return fmt::format("{}", counts_of(listed.snapshot).files); });
  add({"SIZE", kRight, 4},
      [](Listed listed) { return format_size(counts_of(listed.snapshot).bytes); });
  add({"ADDED", kRight, 6}, [](Listed listed) {
    return format_size(listed.snapshot.added_data.stored_bytes +
                       listed.snapshot.added_metadata.stored_bytes);
  });
  add({"PATHS"}, [](Listed listed) { return paths_cell(listed.snapshot); });
  if (form == ListForm::long_table) {
    add({"DESCRIPTION"}, [](Listed listed) { return name_cell(listed.snapshot.description); });
  } else if (describes) {
    add({"DESCRIPTION", kLeft, 9},
        [](Listed listed) { return short_cell(listed.snapshot.description); });
  }
  return fields;
}

void print_table(const std::vector<repo::ListedSnapshot>& snapshots, ListForm form,
                 Context& context) {
  const bool describes = std::any_of(
      snapshots.begin(), snapshots.end(),
      [](const repo::ListedSnapshot& listed) { return !listed.snapshot.description.empty(); });
  const std::vector<Field> fields = fields_of(form, describes, context.streams.clock);
  std::vector<Table::Column> columns;
  std::transform(fields.begin(), fields.end(), std::back_inserter(columns),
                 [](const Field& field) { return field.column; });
  Table table(std::move(columns));
  for (const repo::ListedSnapshot& listed : snapshots) {
    std::vector<std::string> cells;
    std::transform(fields.begin(), fields.end(), std::back_inserter(cells),
                   [&listed](const Field& field) { return field.cell(listed); });
    table.add(std::move(cells));
  }
  const bool is_bounded = context.streams.out_is_terminal && context.streams.err_columns;
  for (const std::string& line : table.lines(is_bounded ? context.streams.err_columns() : 0)) {
    context.console.print(line);
  }
}

/// A part of the list.
struct Part {
  repo::SnapshotGroup group;
  std::vector<repo::ListedSnapshot> snapshots;  ///< oldest first
};

/// The newest `latest` of each group, or all.
std::vector<Part> parts_of(const std::vector<repo::ListedSnapshot>& snapshots,
                           const repo::RetentionGrouping& by, std::uint64_t latest) {
  std::vector<Part> parts;
  for (repo::SnapshotGroup& group : repo::group_snapshots(snapshots, by)) {
    Part part;
    const std::size_t count = latest == 0
                                  ? group.newest_first.size()
                                  : std::min<std::uint64_t>(latest, group.newest_first.size());
    for (std::size_t i = count; i > 0; --i) {
      part.snapshots.push_back(snapshots[group.newest_first[i - 1]]);
    }
    part.group = std::move(group);
    parts.push_back(std::move(part));
  }
  return parts;
}

Json list_view(const std::vector<repo::ListedSnapshot>& snapshots) {
  Json list = Json::array();
  std::transform(snapshots.begin(), snapshots.end(), std::back_inserter(list),
                 listed_snapshot_view);
  return list;
}

Json unreadable_view(const std::vector<repo::UnreadableSnapshot>& unreadable) {
  Json list = Json::array();
  for (const repo::UnreadableSnapshot& snapshot : unreadable) {
    Json one{{"id", snapshot.id.hex()}};
    put_bytes(one, "reason", snapshot.reason);
    list.push_back(std::move(one));
  }
  return list;
}

void print_parts(const std::vector<Part>& parts, const SnapshotsArguments& arguments,
                 const repo::SelectedSnapshots& selected, Context& context) {
  Console& console = context.console;
  if (console.json()) {
    Json groups = Json::array();
    for (const Part& part : parts) {
      Json json = snapshot_group_view(part.group);
      json["snapshots"] = list_view(part.snapshots);
      groups.push_back(std::move(json));
    }
    console.print_json(
        {{"groups", std::move(groups)}, {"unreadable", unreadable_view(selected.unreadable)}});
    return;
  }
  for (const Part& part : parts) {
    if (&part != &parts.front()) {
      console.print("");
    }
    console.print(group_line(part.group) + ":");
    print_table(part.snapshots, arguments.form, context);
  }
}

class SnapshotsCommand final : public CommandWith<SnapshotsArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedFilter filter_;
  std::string latest_;
  std::optional<std::string> group_by_;
  bool compact_ = false;
  bool long_table_ = false;
};

void SnapshotsCommand::declare(CLI::App& app) {
  add_words(app, "SNAP", arguments_.filter.names, "Only these snapshots");
  add_text(app, "--latest", latest_, "N",
           "Only the newest N of each group, or of each host,\nname and paths");
  add_group_by(app, group_by_, "A table for each host, name, paths, tags: host,name");
  app.add_flag("--compact", compact_, "Only what tells them apart");
  app.add_flag("-l,--long", long_table_, "Descriptions, users, durations, too");
  add_filter(app, filter_);
}

std::optional<UsageError> SnapshotsCommand::check(const CommandLine& line) {
  if (auto error = take_filter(filter_, arguments_.filter)) {
    return error;
  }
  if (!line.below.empty()) {
    const bool has_options =
        !arguments_.filter.is_empty() || !latest_.empty() || group_by_ || compact_ || long_table_;
    return has_options
               ? std::optional(usage_error(fmt::format(
                     "snapshots {} takes snapshots behind it, and nothing else", line.below)))
               : std::nullopt;
  }
  if (auto error = take_latest(latest_, arguments_.latest)) {
    return error;
  }
  if (group_by_) {
    if (auto error = take_grouping(*group_by_, arguments_.group_by.emplace())) {
      return error;
    }
  }
  if (compact_ && long_table_) {
    return usage_error("give only one of --compact and --long");
  }
  arguments_.form = compact_      ? ListForm::compact
                    : long_table_ ? ListForm::long_table
                                  : ListForm::table;
  return std::nullopt;
}

core::Result<ExitCode> SnapshotsCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto filter, resolved(arguments_.filter, context.streams));
  CAIRN_TRY(repo::SelectedSnapshots selected, repo::select_snapshots(repository, filter, observer));
  const ExitCode code = selected.unreadable.empty() ? ExitCode::ok : ExitCode::partial;
  if (arguments_.group_by) {
    print_parts(parts_of(selected.snapshots, *arguments_.group_by, arguments_.latest), arguments_,
                selected, context);
    return code;
  }
  if (arguments_.latest > 0) {
    std::vector<repo::ListedSnapshot> newest;
    for (Part& part : parts_of(selected.snapshots, {}, arguments_.latest)) {
      std::move(part.snapshots.begin(), part.snapshots.end(), std::back_inserter(newest));
    }
    std::sort(newest.begin(), newest.end(), repo::is_older);
    selected.snapshots = std::move(newest);
  }
  if (console.json()) {
    console.print_json({{"snapshots", list_view(selected.snapshots)},
                        {"unreadable", unreadable_view(selected.unreadable)}});
  } else if (!selected.snapshots.empty()) {
    print_table(selected.snapshots, arguments_.form, context);
  } else if (arguments_.filter.is_empty()) {
    console.note("no snapshots yet");
  }
  return code;
}

}  // namespace

constexpr CommandSpec kSnapshotsCommand = {
    .name = "snapshots",
    .summary = "List the snapshots, newest last",
    .details =
        "PATHS, FILES and SIZE say what a restore would write, ADDED what the snapshot\n"
        "added to the repository, compressed. TYPE says what it lacks: partial (its time\n"
        "limit cut it short), problems (files that could not be read, or not whole). A\n"
        "terminal that is too narrow gets fewer columns. The exit status is 3 if one\n"
        "cannot be read.\n",
    .examples =
        "  cairn snapshots\n"
        "  cairn snapshots --tag weekly --host laptop\n"
        "  cairn snapshots --group-by host,name --latest 3 --long\n"
        "  cairn snapshots --json\n"
        "  cairn snapshots pin 3f2a91c0\n",
    .make = make_command<SnapshotsCommand>,
};

}  // namespace cairn::cli
