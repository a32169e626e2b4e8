#include <fmt/format.h>

#include <string>

#include "cairn/repo/settings.h"
#include "command_line/repository_options.h"
#include "commands/commands.h"
#include "context/credentials.h"

namespace cairn::cli {
namespace {

class InitCommand final : public CommandWith<repo::Settings> {
 public:
  void declare(CLI::App& app) override {
    add_max_repo_size(app, max_repo_size_,
                      "Stop backups before the repository passes this size, 500G;\n"
                      "config changes it");
  }
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  std::string max_repo_size_;
};

std::optional<UsageError> InitCommand::check(const CommandLine& /*line*/) {
  std::optional<std::uint64_t> bytes;
  auto error = take_max_repo_size(max_repo_size_, bytes);
  arguments_.max_repo_bytes = bytes.value_or(0);
  return error;
}

core::Result<ExitCode> InitCommand::run(Context& context) const {
  Console& console = context.console;
  CAIRN_TRY(const repo::Environment* environment, environment_of(context));
  CAIRN_TRY(NewCredentials key,
            credentials_to_init(context.global, context.location, context.streams));
  auto repository =
      repo::Repository::init(*environment, {.location = context.location,
                                            .credentials = key.credentials.duplicate(),
                                            .kdf = context.streams.kdf});
  if (!repository) {
    forget(key, context.streams);
    return core::fail(repository.error());
  }
  ConsoleObserver observer(console);
  if (auto set = repo::change_settings(*repository, arguments_, observer); !set) {
    return core::fail(std::move(set).error().with_context(
        fmt::format("the repository at {} is made, without its settings", context.location)));
  }
  if (console.json()) {
    Json json{{"repository_id", repository->id().hex()}};
    put_bytes(json, "location", repository->location());
    json["key_file_made"] = !key.made_key_file.empty();
    console.print_json(json);
    return ExitCode::ok;
  }
  console.say(fmt::format("repository {} made at {}", repository->id().short_hex(),
                          repository->location()));
  if (!key.made_key_file.empty()) {
    console.say(fmt::format("key file {} made", key.made_key_file));
  }
  console.say(fmt::format("Keep {} in a second place: without it nothing can be read.",
                          key.credentials.type == repo::Credentials::Type::key_file
                              ? "the key file"
                              : "the passphrase"));
  return ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kInitCommand = {
    .name = "init",
    .summary = "Make a repository and its first key",
    .details =
        "REPO is a new or empty folder. The first key has the role admin. Keep its\n"
        "passphrase or key file in a second place: without it nothing can be read.\n"
        "A key file (--key-file) that does not exist yet is made, with mode 0600.\n"
        "The repository is its owner's alone, unless it is made in a folder that hands its\n"
        "group on (chmod g+rwxs, umask 002): then the whole group can use it.\n",
    .examples =
        "  cairn init -r /mnt/backup\n"
        "  cairn init -r /mnt/backup --key-file ~/.config/cairn.key\n"
        "  cairn init -r /mnt/backup --max-repo-size 500G\n",
    .make = make_command<InitCommand>,
};

}  // namespace cairn::cli
