#include "commands/tag.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "cairn/repo/marks.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "output/snapshot_line.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

/// The full ids of the named snapshots, each of which is reported.
core::Result<std::vector<std::string>> named_ids(const repo::SnapshotFilter& filter,
                                                 repo::Repository& repository, Context& context,
                                                 repo::Observer& observer) {
  CAIRN_TRY(const auto whole, resolved(filter, context.streams));
  CAIRN_TRY(const repo::SelectedSnapshots selected,
            repo::select_snapshots(repository, whole, observer));
  std::vector<std::string> ids;
  for (const repo::ListedSnapshot& listed : selected.snapshots) {
    context.console.note("snapshot " + snapshot_line(listed, context.streams.clock));
    ids.push_back(listed.id.hex());
  }
  return ids;
}

void tell(const repo::MarkReport& report, std::string_view done, Console& console) {
  if (console.json()) {
    console.print_json(mark_view(report));
    return;
  }
  console.say(fmt::format("{} {}", format_count(report.changed, "snapshot"), done));
  if (report.changed < report.snapshots.size()) {
    console.say(fmt::format("{} already as wanted",
                            format_count(report.snapshots.size() - report.changed, "snapshot")));
  }
}

class TagCommand final : public CommandWith<TagArguments> {
 public:
  explicit TagCommand(bool remove) { arguments_.remove = remove; }

  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  std::vector<std::string> tags_;
  TypedFilter filter_;
};

void TagCommand::declare(CLI::App& app) {
  add_words(app, "TAG", tags_, "One or more tags")->required();
  add_repeated(app, "-s,--snapshot", arguments_.filter.names, "SNAP",
               "Which snapshot; may be repeated")
      ->required();
  add_filter(app, filter_);
}

std::optional<UsageError> TagCommand::check(const CommandLine& /*line*/) {
  if (auto error = take_tags(tags_, arguments_.tags)) {
    return error;
  }
  return take_filter(filter_, arguments_.filter);
}

core::Result<ExitCode> TagCommand::run(Context& context) const {
  const auto change = [this](repo::Repository& repository, const std::vector<std::string>& ids,
                             repo::Observer& observer) {
    return arguments_.remove ? repo::remove_tags(repository, ids, arguments_.tags, observer)
                             : repo::add_tags(repository, ids, arguments_.tags, observer);
  };
  return change_marks(arguments_.filter, change, "tagged anew", context);
}

}  // namespace

core::Result<ExitCode> change_marks(const repo::SnapshotFilter& filter, const ChangeMarks& change,
                                    std::string_view done, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto ids, named_ids(filter, repository, context, observer));
  CAIRN_TRY(const repo::MarkReport report, change(repository, ids, observer));
  tell(report, done, context.console);
  return ExitCode::ok;
}

constexpr CommandSpec kTagCommand = {
    .name = "tag",
    .summary = "Change the tags of snapshots",
    .details = "Ids and contents stay as they are. Needs a key of role admin or maintain.\n",
    .examples =
        "  cairn tag add release -s latest\n"
        "  cairn tag remove weekly nightly -s 3f2a91c0 -s latest~2\n",
};

constexpr CommandSpec kTagAddCommand = {
    .name = "tag add",
    .summary = "Give snapshots further tags",
    .details = "",
    .examples = "  cairn tag add release important --snapshot latest\n",
    .make = []() -> std::unique_ptr<Command> { return std::make_unique<TagCommand>(false); },
};

constexpr CommandSpec kTagRemoveCommand = {
    .name = "tag remove",
    .summary = "Take tags away from snapshots",
    .details = "Tags that a snapshot does not have are no mistake.\n",
    .examples = "  cairn tag remove weekly --snapshot 3f2a91c0 --snapshot latest\n",
    .make = []() -> std::unique_ptr<Command> { return std::make_unique<TagCommand>(true); },
};

}  // namespace cairn::cli
