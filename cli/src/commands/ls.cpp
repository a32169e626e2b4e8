#include "cairn/repo/browse.h"
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

}  // namespace

core::Result<ExitCode> execute(const LsArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments.choice, context, observer));
  if (console.json()) {
    Json json{{"type", "snapshot"}};
    json.update(listed_snapshot_view(listed));
    console.print_json(json);
  }
  std::uint64_t entries = 0;
  const auto visit = [&](const repo::ListedEntry& entry) -> core::Status {
    CAIRN_TRY_STATUS(check_stop(context.streams));
    show(entry, arguments, context);
    ++entries;
    return console.check_output();
  };
  CAIRN_TRY_STATUS(repo::list_entries(
      repository, listed.snapshot,
      {.path = arguments.choice.path, .recursive = arguments.recursive}, observer, visit));
  if (console.json()) {
    console.print_json({{"type", "summary"}, {"entries", entries}});
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
