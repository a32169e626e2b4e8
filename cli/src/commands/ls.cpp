#include "commands/ls.h"

#include "cairn/core/stop.h"
#include "cairn/repo/browse.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "output/entry_line.h"
#include "text/escape.h"

namespace cairn::cli {
namespace {

void show(const repo::ListedEntry& listed, const LsArguments& arguments, Context& context) {
  Console& console = context.console;
  if (console.json()) {
    console.print_json(entry_view(listed));
  } else if (arguments.print0) {
    console.write(listed.path);
    console.write(std::string_view("\0", 1));
  } else if (arguments.long_format) {
    console.print(entry_line(listed, context.streams.clock));
  } else {
    console.print(escape_name(listed.path));
  }
}

class LsCommand final : public CommandWith<LsArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedChoice choice_;
};

void LsCommand::declare(CLI::App& app) {
  add_choice(app, choice_, "SNAP or SNAP:/path");
  app.add_flag("-l,--long", arguments_.long_format, "Mode, owner, size and time too");
  app.add_flag("-R,--recursive", arguments_.recursive, "What lies in folders below, too");
  app.add_flag("-0,--print0", arguments_.print0, "Names as they are, each ended by a NUL");
}

std::optional<UsageError> LsCommand::check(const CommandLine& line) {
  if (auto error = take_choice(choice_, arguments_.choice)) {
    return error;
  }
  if (arguments_.print0 && (arguments_.long_format || line.global.json)) {
    return usage_error("--print0 goes neither with --long nor with --json");
  }
  return std::nullopt;
}

core::Result<ExitCode> LsCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments_.choice, context, observer));
  if (console.json()) {
    Json json{{"type", "snapshot"}};
    json.update(listed_snapshot_view(listed));
    console.print_json(json);
  }
  std::uint64_t entries = 0;
  const auto visit = [&](const repo::ListedEntry& entry) -> core::Status {
    CAIRN_TRY_STATUS(core::check_stop(context.streams.stop));
    show(entry, arguments_, context);
    ++entries;
    return console.check_output();
  };
  CAIRN_TRY_STATUS(repo::list_entries(
      repository, listed.snapshot,
      {.path = arguments_.choice.path, .recursive = arguments_.recursive}, observer, visit));
  if (console.json()) {
    console.print_json({{"type", "summary"}, {"entries", entries}});
  }
  return ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kLsCommand = {
    .name = "ls",
    .summary = "List what a snapshot holds",
    .details =
        "SNAP is latest, latest~2 (two before it), or the beginning of an id; :/path names\n"
        "something inside it. With --at the path stands alone. Without a path the sources are\n"
        "listed, and what lies in them.\n"
        "latest is the newest of all hosts and sets, unless --host, --name and the others say\n"
        "of which; which one it was is told on standard error. It is never a partial one, but\n"
        "with --allow-partial, and never one that a wrong clock dated in the future: these are\n"
        "named by their ids. While a snapshot cannot be read that may be newer, there is no\n"
        "latest. Unusual bytes in names are\n"
        "printed as \\n, \\xNN and so on, a backslash as two; --print0 prints names as\n"
        "they are.\n",
    .examples =
        "  cairn ls latest:/home/ada -l\n"
        "  cairn ls latest --host laptop --name home\n"
        "  cairn ls --at \"2026-01-01 14:30\" /etc -R\n",
    .json = JsonForm::lines,
    .make = make_command<LsCommand>,
};

}  // namespace cairn::cli
