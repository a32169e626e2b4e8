#include "commands/dump.h"

#include <fmt/format.h>

#include <functional>
#include <string>

#include "cairn/core/stop.h"
#include "cairn/repo/browse.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "io/new_file.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

using Write = std::function<core::Status(core::ByteView)>;

/// As a tar archive if requested, or if it is a folder.
core::Status dump(repo::Repository& repository, const repo::Snapshot& snapshot,
                  const DumpArguments& arguments, repo::Observer& observer, const Write& write) {
  bool as_tar = arguments.as_tar;
  if (!as_tar) {
    CAIRN_TRY(const auto opened, repo::OpenedSnapshot::open(repository, snapshot, observer));
    CAIRN_TRY(const repo::ListedEntry listed, opened.lookup(arguments.choice.path));
    as_tar = listed.entry.type == repo::EntryType::folder;
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
    CAIRN_TRY_STATUS(core::check_stop(context.streams.stop));
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

class DumpCommand final : public CommandWith<DumpArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedChoice choice_;
  std::string format_;
};

void DumpCommand::declare(CLI::App& app) {
  add_choice(app, choice_, "SNAP:/path");
  add_text(app, "-o,--output,--target", arguments_.output, "FILE", "A new file instead");
  add_text(app, "--format", format_, "FORMAT",
           "tar: an archive of a single file, too (folders always are)");
}

std::optional<UsageError> DumpCommand::check(const CommandLine& /*line*/) {
  if (auto error = take_choice(choice_, arguments_.choice)) {
    return error;
  }
  if (arguments_.choice.path.empty()) {
    return usage_error("dump needs the path of a file or folder: SNAP:/path");
  }
  if (!format_.empty() && format_ != "tar") {
    return usage_error(fmt::format("--format {}: must be tar", format_));
  }
  arguments_.as_tar = format_ == "tar";
  return std::nullopt;
}

core::Result<ExitCode> DumpCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments_.choice, context, observer));
  if (!arguments_.output.empty()) {
    CAIRN_TRY_STATUS(dump_to_file(repository, listed, arguments_, context, observer));
    return ExitCode::ok;
  }
  const auto write = [&](core::ByteView data) -> core::Status {
    CAIRN_TRY_STATUS(core::check_stop(context.streams.stop));
    console.write({reinterpret_cast<const char*>(data.data()), data.size()});
    return console.check_output();
  };
  CAIRN_TRY_STATUS(dump(repository, listed.snapshot, arguments_, observer, write));
  return ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kDumpCommand = {
    .name = "dump",
    .summary = "Write a file or folder of a snapshot to standard output",
    .details =
        "A folder is written as a tar archive (POSIX pax) of what it holds, with owners,\n"
        "times to the nanosecond, extended attributes, access control lists, hard links and\n"
        "holes (GNU tar -x --acls --xattrs makes all of it again). Every byte is checked\n"
        "before it is written. With --output the file appears under its name only when it\n"
        "is whole, with mode 0600; an existing file is left alone.\n",
    .examples =
        "  cairn dump latest:/etc/fstab\n"
        "  cairn dump latest:/var/lib/app.db --output /tmp/app.db\n"
        "  cairn dump latest:/home/ada | tar -x --acls --xattrs -C /tmp/ada\n"
        "  cairn dump latest:/home/ada --format tar --target ada.tar\n"
        "  cairn dump --at \"2026-01-01 14:30\" /etc/fstab\n",
    .make = make_command<DumpCommand>,
};

}  // namespace cairn::cli
