#include "command_line/key_arguments.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "command_line/option_words.h"

namespace cairn::cli {
namespace {

void add_new_credentials(CLI::App& command, TypedKey& typed) {
  add_text(command, "--new-password-file", typed.new_credentials.password_file, "FILE",
           "New passphrase from a file, - for standard input");
  add_text(command, "--new-key-file", typed.new_credentials.key_file, "FILE",
           "New key file; made if it does not exist");
}

std::optional<UsageError> check_new_credentials(const NewCredentialArguments& credentials) {
  if (!credentials.password_file.empty() && !credentials.key_file.empty()) {
    return usage_error("give only one of --new-password-file and --new-key-file");
  }
  return std::nullopt;
}

}  // namespace

void add_key(CLI::App& app, TypedKey& typed) {
  CLI::App& key = add_command(app, "key");
  key.require_subcommand(1);
  add_command(key, "key list");
  CLI::App& add = add_command(key, "key add");
  add_text(add, "--role", typed.role, "ROLE",
           "admin (default), backup, restore, maintain or audit");
  add_text(add, "--name", typed.add.name, "NAME", "What to call the key");
  add_new_credentials(add, typed);
  CLI::App& remove = add_command(key, "key remove");
  add_text(remove, "ID", typed.remove.id_prefix, "", "Beginning of the key's id")->required();
  add_new_credentials(add_command(key, "key passwd"), typed);
  CLI::App& exports = add_command(key, "key export");
  add_text(exports, "ID", typed.exported.id_prefix, "", "Beginning of a key's id; all keys");
  add_text(exports, "-o,--output", typed.exported.output, "FILE",
           "A new file, with mode 0600, instead of standard output");
  add_text(add_command(key, "key import"), "FILE", typed.imported.file, "",
           "What key export has written, - for standard input")
      ->required();
}

CheckedArguments key_values(TypedKey& typed, const std::string& name) {
  if (auto error = check_new_credentials(typed.new_credentials)) {
    return *error;
  }
  if (name == "add") {
    const auto role = repo::role_from_string(typed.role);
    if (!role) {
      return usage_error(
          fmt::format("--role {}: must be admin, backup, restore, maintain or audit", typed.role));
    }
    typed.add.role = *role;
    typed.add.credentials = std::move(typed.new_credentials);
    return std::move(typed.add);
  }
  if (name == "remove") {
    return std::move(typed.remove);
  }
  if (name == "passwd") {
    return KeyPasswdArguments{std::move(typed.new_credentials)};
  }
  if (name == "export") {
    return std::move(typed.exported);
  }
  if (name == "import") {
    return std::move(typed.imported);
  }
  return KeyListArguments{};
}

}  // namespace cairn::cli
