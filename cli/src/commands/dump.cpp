#include <fmt/format.h>

#include <functional>
#include <string>

#include "cairn/repo/browse.h"
#include "commands/commands.h"
#include "io/new_file.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

using Write = std::function<core::Status(core::ByteView)>;

/// As a tar archive if that was asked for, or if it is a folder.
core::Status dump(repo::Repository& repository, const repo::Snapshot& snapshot,
                  const DumpArguments& arguments, repo::Observer& observer, const Write& write) {
  bool as_tar = arguments.as_tar;
  if (!as_tar) {
    CAIRN_TRY(as_tar, repo::is_folder(repository, snapshot, arguments.choice.path, observer));
  }
  return as_tar ? repo::dump_tar(repository, snapshot, arguments.choice.path, observer, write)
                : repo::dump_file(repository, snapshot, arguments.choice.path, observer, write);
}

core::Status dump_to_file(repo::Repository& repository, const repo::ListedSnapshot& listed,
                          const DumpArguments& arguments, Context& context,
                          repo::Observer& observer) {
  NewFile file(arguments.output, context.streams);
  CAIRN_TRY_STATUS(file.create());
  std::uint64_t bytes = 0;
  const auto write = [&](core::ByteView data) -> core::Status {
    CAIRN_TRY_STATUS(check_stop(context.streams));
    bytes += data.size();
    return file.append(data);
  };
  CAIRN_TRY_STATUS(dump(repository, listed.snapshot, arguments, observer, write));
  CAIRN_TRY_STATUS(file.complete());
  if (context.console.json()) {
    Json json{{"snapshot", listed.id.hex()}};
    put_bytes(json, "path", arguments.choice.path);
    put_bytes(json, "output", arguments.output);
    json["bytes"] = bytes;
    context.console.print_json(json);
  } else {
    context.console.say(fmt::format("{} written to {}", format_size(bytes), arguments.output));
  }
  return {};
}

}  // namespace

core::Result<ExitCode> execute(const DumpArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments.choice, context, observer));
  if (!arguments.output.empty()) {
    CAIRN_TRY_STATUS(dump_to_file(repository, listed, arguments, context, observer));
    return ExitCode::ok;
  }
  const auto write = [&](core::ByteView data) -> core::Status {
    CAIRN_TRY_STATUS(check_stop(context.streams));
    console.write({reinterpret_cast<const char*>(data.data()), data.size()});
    return console.check_output();
  };
  CAIRN_TRY_STATUS(dump(repository, listed.snapshot, arguments, observer, write));
  return ExitCode::ok;
}

}  // namespace cairn::cli
