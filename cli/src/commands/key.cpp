#include "commands/key.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cairn/repo/keys.h"
#include "command_line/option_words.h"
#include "command_line/repository_options.h"
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

void add_new_credentials(CLI::App& app, NewCredentialArguments& credentials) {
  add_text(app, "--new-password-file", credentials.password_file, "FILE",
           "New passphrase from a file, - for standard input");
  add_text(app, "--new-key-file", credentials.key_file, "FILE",
           "New key file; made if it does not exist");
}

std::optional<UsageError> check_new_credentials(const NewCredentialArguments& credentials) {
  if (!credentials.password_file.empty() && !credentials.key_file.empty()) {
    return usage_error("give only one of --new-password-file and --new-key-file");
  }
  return std::nullopt;
}

class KeyListCommand final : public Command {
 public:
  core::Result<ExitCode> run(Context& context) const override;
};

core::Result<ExitCode> KeyListCommand::run(Context& context) const {
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

class KeyAddCommand final : public CommandWith<KeyAddArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  std::string role_ = "admin";
};

void KeyAddCommand::declare(CLI::App& app) {
  add_text(app, "--role", role_, "ROLE", "admin (default), backup, restore, maintain or audit");
  add_text(app, "--name", arguments_.name, "NAME", "What to call the key");
  add_new_credentials(app, arguments_.credentials);
}

std::optional<UsageError> KeyAddCommand::check(const CommandLine& /*line*/) {
  if (auto error = check_new_credentials(arguments_.credentials)) {
    return error;
  }
  const auto role = repo::role_from_string(role_);
  if (!role) {
    return usage_error(
        fmt::format("--role {}: must be admin, backup, restore, maintain or audit", role_));
  }
  arguments_.role = *role;
  return std::nullopt;
}

core::Result<ExitCode> KeyAddCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(NewCredentials key, credentials_to_add(arguments_.credentials, context.streams));
  const auto id = repo::add_key(repository, {.role = arguments_.role,
                                             .name = arguments_.name,
                                             .credentials = key.credentials.duplicate(),
                                             .kdf = context.streams.kdf});
  if (!id) {
    forget(key, context.streams);
    return core::fail(id.error());
  }
  say_key(*id, key, fmt::format("added with the role {}", to_string(arguments_.role)),
          context.console);
  return ExitCode::ok;
}

class KeyRemoveCommand final : public CommandWith<KeyRemoveArguments> {
 public:
  void declare(CLI::App& app) override {
    add_text(app, "ID", arguments_.id_prefix, "", "Beginning of the key's id")->required();
  }
  core::Result<ExitCode> run(Context& context) const override;
};

core::Result<ExitCode> KeyRemoveCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY_STATUS(repo::remove_key(repository, arguments_.id_prefix));
  if (context.console.json()) {
    Json json;
    put_bytes(json, "removed", arguments_.id_prefix);
    context.console.print_json(json);
  } else {
    context.console.say(fmt::format("key {} removed", arguments_.id_prefix));
  }
  return ExitCode::ok;
}

class KeyPasswdCommand final : public CommandWith<KeyPasswdArguments> {
 public:
  void declare(CLI::App& app) override { add_new_credentials(app, arguments_.credentials); }
  std::optional<UsageError> check(const CommandLine& /*line*/) override {
    return check_new_credentials(arguments_.credentials);
  }
  core::Result<ExitCode> run(Context& context) const override;
};

core::Result<ExitCode> KeyPasswdCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const NewCredentials key, credentials_to_add(arguments_.credentials, context.streams));
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

class KeyExportCommand final : public Command {
 public:
  void declare(CLI::App& app) override {
    add_text(app, "ID", id_prefix_, "", "Beginning of a key's id; all keys");
    add_text(app, "-o,--output", output_, "FILE",
             "A new file, with mode 0600, instead of standard output");
  }
  core::Result<ExitCode> run(Context& context) const override;

 private:
  std::string id_prefix_;  ///< empty: all keys
  std::string output_;     ///< empty: standard output
};

core::Result<ExitCode> KeyExportCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ExportedKeys exported, repo::export_keys(repository, id_prefix_));
  if (!output_.empty()) {
    NewFile file(output_, context.streams);
    CAIRN_TRY_STATUS(file.create());
    CAIRN_TRY_STATUS(file.append(core::as_view(exported.text)));
    CAIRN_TRY_STATUS(file.complete());
  }
  if (console.json()) {
    Json json{{"ids", ids_view(exported.ids)}};
    if (output_.empty()) {
      put_bytes(json, "text", exported.text);
    } else {
      put_bytes(json, "output", output_);
    }
    console.print_json(json);
  } else if (output_.empty()) {
    console.write(exported.text);
  } else {
    console.say(fmt::format("{} written to {}", format_count(exported.ids.size(), "key"), output_));
  }
  return ExitCode::ok;
}

class KeyImportCommand final : public Command {
 public:
  void declare(CLI::App& app) override {
    add_text(app, "FILE", file_, "", "What key export has written, - for standard input")
        ->required();
  }
  core::Result<ExitCode> run(Context& context) const override;

 private:
  std::string file_;  ///< "-": standard input
};

core::Result<ExitCode> KeyImportCommand::run(Context& context) const {
  Console& console = context.console;
  CAIRN_TRY(const std::string text, read_whole("key import", file_, context.streams));
  CAIRN_TRY(const repo::Environment* environment, environment_of(context));
  CAIRN_TRY_CONTEXT(const repo::ImportedKeys imported, file_,
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

}  // namespace

constexpr CommandSpec kKeyCommand = {
    .name = "key",
    .summary = "Add, list, remove, change, export and import keys",
    .details =
        "A key opens the repository with a passphrase or a key file. Its role says what it\n"
        "can do: admin everything; backup adds snapshots and reads nothing; restore reads\n"
        "everything and adds nothing; maintain and audit list and verify.\n",
    .examples =
        "  cairn key list\n"
        "  cairn key add --role backup --new-key-file /etc/cairn.key\n",
};

constexpr CommandSpec kKeyListCommand = {
    .name = "key list",
    .summary = "List the keys",
    .details = "",
    .examples = "  cairn key list\n",
    .make = make_command<KeyListCommand>,
};

constexpr CommandSpec kKeyAddCommand = {
    .name = "key add",
    .summary = "Add a key for a role",
    .details =
        "Only a key of role admin can. The new passphrase comes from --new-password-file,\n"
        "CAIRN_NEW_PASSWORD or the terminal. A key file that does not exist yet is made,\n"
        "with mode 0600.\n",
    .examples =
        "  cairn key add --role restore --name laptop\n"
        "  cairn key add --role backup --new-key-file /etc/cairn.key\n",
    .make = make_command<KeyAddCommand>,
};

constexpr CommandSpec kKeyRemoveCommand = {
    .name = "key remove",
    .summary = "Remove a key",
    .details =
        "Refuses the key in use and the last one of role admin. Who copied the key before\n"
        "and knows its passphrase can still read what was stored until then.\n",
    .examples = "  cairn key remove 3f2a91c0\n",
    .make = make_command<KeyRemoveCommand>,
};

constexpr CommandSpec kKeyPasswdCommand = {
    .name = "key passwd",
    .summary = "Give the key in use another passphrase or key file",
    .details =
        "The new passphrase comes from --new-password-file, CAIRN_NEW_PASSWORD or the\n"
        "terminal. The old one opens the repository no more.\n",
    .examples =
        "  cairn key passwd\n"
        "  cairn key passwd --new-key-file ~/.config/cairn.key\n",
    .make = make_command<KeyPasswdCommand>,
};

constexpr CommandSpec kKeyExportCommand = {
    .name = "key export",
    .summary = "Write keys to a file or to paper, for a safe",
    .details =
        "A repository that has lost its folder keys/ is lost, whoever knows the\n"
        "passphrase; a key in a safe brings it back. What is written is sealed: the\n"
        "passphrase or key file is needed as well. Passphrases that are changed later\n"
        "do not change it.\n",
    .examples =
        "  cairn key export --output /media/usb/cairn-keys.txt\n"
        "  cairn key export 3f2a91c0 | lpr\n",
    .make = make_command<KeyExportCommand>,
};

constexpr CommandSpec kKeyImportCommand = {
    .name = "key import",
    .summary = "Bring back keys that were exported",
    .details = "Needs no key: it is for a repository that has lost its own.\n",
    .examples = "  cairn key import /media/usb/cairn-keys.txt\n",
    .make = make_command<KeyImportCommand>,
};

}  // namespace cairn::cli
