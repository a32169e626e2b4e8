#include <fmt/format.h>

#include <algorithm>

#include "cairn/repo/keys.h"
#include "commands/commands.h"
#include "context/backup_sources.h"
#include "context/credentials.h"
#include "io/new_file.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/table.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

void print_keys(const std::vector<repo::ListedKey>& keys, Context& context) {
  Table table({{"ID"}, {""}, {"ROLE"}, {"KIND"}, {"NAME"}, {"CREATED"}, {"BY"}});
  for (const repo::ListedKey& key : keys) {
    const std::string current = key.is_current ? "in use" : "";
    if (key.readable) {
      table.add({key.id.short_hex(), current, std::string(to_string(key.role)),
                 key.is_key_file ? "key file" : "passphrase", escape_name(key.name),
                 format_local_time(key.created, context.streams.clock),
                 escape_name(key.user + "@" + key.host)});
    } else {
      table.add({key.id.short_hex(), current, "damaged", "", "", "", ""});
    }
  }
  for (const std::string& line : table.lines()) {
    context.console.print(line);
  }
}

Json ids_view(const std::vector<repo::KeySlotId>& ids) {
  Json list = Json::array();
  std::transform(ids.begin(), ids.end(), std::back_inserter(list),
                 [](const repo::KeySlotId& id) { return id.hex(); });
  return list;
}

void say_key(const repo::KeySlotId& id, const NewCredentials& key, std::string_view what,
             Console& console) {
  if (console.json()) {
    Json json{{"id", id.hex()}, {"key_file_made", !key.made_key_file.empty()}};
    console.print_json(json);
    return;
  }
  if (!key.made_key_file.empty()) {
    console.say(fmt::format("key file {} made", key.made_key_file));
  }
  console.say(fmt::format("key {} {}", id.short_hex(), what));
}

}  // namespace

core::Result<ExitCode> execute(const KeyListArguments& /*arguments*/, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const auto keys, repo::list_keys(repository));
  if (context.console.json()) {
    Json list = Json::array();
    std::transform(keys.begin(), keys.end(), std::back_inserter(list), key_view);
    context.console.print_json({{"keys", std::move(list)}});
  } else {
    print_keys(keys, context);
  }
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const KeyAddArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(NewCredentials key, credentials_to_add(arguments.credentials, context.streams));
  const auto id = repo::add_key(repository, {.role = arguments.role,
                                             .name = arguments.name,
                                             .credentials = key.credentials.duplicate(),
                                             .kdf = context.streams.kdf});
  if (!id) {
    forget(key, context.streams);
    return core::fail(id.error());
  }
  say_key(*id, key, fmt::format("added with the role {}", to_string(arguments.role)),
          context.console);
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const KeyRemoveArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY_STATUS(repo::remove_key(repository, arguments.id_prefix));
  if (context.console.json()) {
    Json json;
    put_bytes(json, "removed", arguments.id_prefix);
    context.console.print_json(json);
  } else {
    context.console.say(fmt::format("key {} removed", arguments.id_prefix));
  }
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const KeyExportArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ExportedKeys exported, repo::export_keys(repository, arguments.id_prefix));
  if (!arguments.output.empty()) {
    NewFile file(arguments.output, context.streams);
    CAIRN_TRY_STATUS(file.create());
    CAIRN_TRY_STATUS(file.append(core::as_view(exported.text)));
    CAIRN_TRY_STATUS(file.complete());
  }
  if (console.json()) {
    Json json{{"ids", ids_view(exported.ids)}};
    if (arguments.output.empty()) {
      put_bytes(json, "text", exported.text);
    } else {
      put_bytes(json, "output", arguments.output);
    }
    console.print_json(json);
  } else if (arguments.output.empty()) {
    console.write(exported.text);
  } else {
    console.say(fmt::format("{} written to {}", format_count(exported.ids.size(), "key"),
                            arguments.output));
  }
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const KeyImportArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY(const std::string text, read_whole("key import", arguments.file, context.streams));
  CAIRN_TRY(const repo::Environment* environment, environment_of(context));
  CAIRN_TRY_CONTEXT(const repo::ImportedKeys imported, arguments.file,
                    repo::import_keys(*environment, context.location, text));
  if (console.json()) {
    console.print_json(
        {{"ids", ids_view(imported.ids)}, {"already_there", imported.already_there}});
    return ExitCode::ok;
  }
  console.say(fmt::format("{} brought back, {} there already",
                          format_count(imported.ids.size() - imported.already_there, "key"),
                          imported.already_there));
  return ExitCode::ok;
}

core::Result<ExitCode> execute(const KeyPasswdArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const NewCredentials key, credentials_to_add(arguments.credentials, context.streams));
  const auto id = repo::change_credentials(repository, key.credentials, context.streams.kdf);
  if (!id) {
    // The old key may be gone already, so a key file that was made stays.
    core::Error error = id.error();
    return core::fail(
        key.made_key_file.empty()
            ? std::move(error)
            : std::move(error).with_hint(fmt::format(
                  "keep {} until you know which key opens the repository", key.made_key_file)));
  }
  say_key(*id, key, "replaces the key that was in use", context.console);
  return ExitCode::ok;
}

}  // namespace cairn::cli
