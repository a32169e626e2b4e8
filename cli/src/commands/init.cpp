#include <fmt/format.h>

#include "cairn/repo/settings.h"
#include "commands/commands.h"
#include "context/credentials.h"

namespace cairn::cli {

core::Result<ExitCode> execute(const InitArguments& arguments, Context& context) {
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
  if (auto set = repo::change_settings(*repository, arguments.settings, observer); !set) {
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

}  // namespace cairn::cli
