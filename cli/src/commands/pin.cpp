#include "commands/pin.h"

#include "cairn/repo/marks.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "commands/tag.h"

namespace cairn::cli {
namespace {

class PinCommand final : public CommandWith<PinArguments> {
 public:
  explicit PinCommand(bool unpin) { arguments_.unpin = unpin; }

  void declare(CLI::App& app) override {
    add_words(app, "SNAP", arguments_.filter.names, "Which snapshots")->required();
    add_filter(app, filter_);
  }
  std::optional<UsageError> check(const CommandLine& /*line*/) override {
    return take_filter(filter_, arguments_.filter);
  }
  core::Result<ExitCode> run(Context& context) const override {
    return change_marks(arguments_.filter, arguments_.unpin ? repo::unpin : repo::pin,
                        arguments_.unpin ? "unpinned" : "pinned", context);
  }

 private:
  TypedFilter filter_;
};

}  // namespace

constexpr CommandSpec kSnapshotsPinCommand = {
    .name = "snapshots pin",
    .summary = "Keep snapshots from being forgotten",
    .details = "Neither a policy nor its name makes forget take a pinned snapshot.\n",
    .examples = "  cairn snapshots pin latest 3f2a91c0\n",
    .make = []() -> std::unique_ptr<Command> { return std::make_unique<PinCommand>(false); },
};

constexpr CommandSpec kSnapshotsUnpinCommand = {
    .name = "snapshots unpin",
    .summary = "Let snapshots be forgotten again",
    .details = "",
    .examples = "  cairn snapshots unpin 3f2a91c0\n",
    .make = []() -> std::unique_ptr<Command> { return std::make_unique<PinCommand>(true); },
};

}  // namespace cairn::cli
