#include "context/credentials.h"

#include <fmt/format.h>

#include <utility>

#include "cairn/core/path.h"
#include "io/absolute_path.h"
#include "io/secret_input.h"

namespace cairn::cli {
namespace {

using core::ErrorCode;
using core::SecretBytes;
using repo::Credentials;

/// The options and variables for the credentials of one repository.
struct Given {
  std::string password_file = {};
  std::string key_file = {};
  std::string option_prefix = "--";
  std::string variable_prefix = "CAIRN_";

  [[nodiscard]] std::string variable(std::string_view name, const Streams& streams) const {
    return streams.variable(fmt::format("{}{}", variable_prefix, name));
  }
  /// For a user who has given none.
  [[nodiscard]] std::string ways() const {
    return fmt::format(
        "give {0}password-file, {0}key-file, {1}PASSWORD, {1}PASSWORD_FILE, "
        "{1}PASSWORD_COMMAND or {1}KEY_FILE",
        option_prefix, variable_prefix);
  }
};

Given given_by(const GlobalArguments& global) {
  return {.password_file = global.password_file, .key_file = global.key_file};
}

Given given_by(const FromArguments& from) {
  return {.password_file = from.password_file,
          .key_file = from.key_file,
          .option_prefix = "--from-",
          .variable_prefix = "CAIRN_FROM_"};
}

void warn_if_open_to_all(std::string_view what, const std::string& path, const Streams& streams) {
  if (streams.warn && is_open_to_all(path)) {
    streams.warn(fmt::format("{} {} can be read by every user of this machine: chmod 600 {}", what,
                             path, path));
  }
}

core::Result<Credentials> passphrase(core::Result<SecretBytes> secret) {
  CAIRN_TRY_STATUS(secret.has_value() ? core::Status() : core::fail(secret.error()));
  if (secret->empty()) {
    return core::fail(ErrorCode::invalid_argument, "the passphrase is empty");
  }
  return Credentials{Credentials::Type::passphrase, std::move(*secret)};
}

core::Result<SecretBytes> password_from_file(const std::string& path, Streams& streams) {
  if (path == "-") {
    return read_secret_line(streams.in);
  }
  CAIRN_TRY_STATUS(check_path(path, streams));
  CAIRN_TRY_CONTEXT(SecretBytes whole, "password file",
                    read_secret_file(path, kPassphraseBytesMax));
  warn_if_open_to_all("the password file", path, streams);
  core::ByteView text = whole.view();
  const bool has_end = !text.empty() && text.back() == std::byte{'\n'};
  return SecretBytes::copy_of(without_windows_marks(has_end ? text.first(text.size() - 1) : text));
}

core::Result<Credentials> key_file(const std::string& path, const Streams& streams) {
  CAIRN_TRY_STATUS(check_path(path, streams));
  auto secret = read_secret_file(path, repo::kKeyFileBytes);
  const bool too_long = !secret && secret.error().code() == ErrorCode::limit_exceeded;
  if (too_long || (secret && secret->size() != repo::kKeyFileBytes)) {
    return core::fail(
        ErrorCode::invalid_argument,
        fmt::format("key file {} has {} than {} bytes", path, too_long ? "more" : "fewer",
                    repo::kKeyFileBytes),
        "a key file is what `cairn init --key-file` or `cairn key add --new-key-file` made");
  }
  CAIRN_TRY_CONTEXT(SecretBytes key, "key file", std::move(secret));
  warn_if_open_to_all("the key file", path, streams);
  return Credentials{Credentials::Type::key_file, std::move(key)};
}

core::Status write_durably(const std::string& path, core::ByteView bytes, Streams& streams) {
  CAIRN_TRY(auto file, streams.file_system.create(path));
  const auto fill = [&]() -> core::Status {
    CAIRN_TRY_STATUS(file->append(bytes));
    CAIRN_TRY_STATUS(file->sync());
    CAIRN_TRY_STATUS(file->close());
    return streams.file_system.sync_folder(core::parent_of(path));
  };
  core::Status filled = fill();
  if (!filled) {
    static_cast<void>(streams.file_system.remove(path));
  }
  return filled;
}

core::Result<NewCredentials> key_file_or_new(const std::string& path, Streams& streams) {
  CAIRN_TRY_STATUS(check_path(path, streams));
  CAIRN_TRY_CONTEXT(const auto there, "key file", streams.file_system.info(path));
  if (there) {
    CAIRN_TRY(Credentials existing, key_file(path, streams));
    return NewCredentials{std::move(existing), {}};
  }
  SecretBytes key(repo::kKeyFileBytes);
  streams.random.fill(key.mutable_view());
  const core::Status written = write_durably(path, key.view(), streams);
  if (!written) {
    return core::fail(core::Error(written.error()).with_context("make key file"));
  }
  return NewCredentials{{Credentials::Type::key_file, std::move(key)}, path};
}

core::Result<SecretBytes> ask(Streams& streams, std::string_view prompt, const std::string& hint) {
  if (!streams.ask_passphrase) {
    return core::fail(ErrorCode::invalid_argument, "no passphrase, and no terminal to ask for it",
                      hint);
  }
  auto answer = streams.ask_passphrase(prompt);
  if (!answer && answer.error().code() == ErrorCode::not_found) {
    return core::fail(ErrorCode::invalid_argument, "no passphrase, and no terminal to ask for it",
                      hint);
  }
  return answer;
}

/// `location`: of the repository that it will open; empty if the user has already been asked for
/// it.
core::Result<NewCredentials> ask_twice(const std::string& location, Streams& streams) {
  const std::string hint = Given().ways();
  const std::string prompt =
      location.empty() ? "new passphrase: " : fmt::format("new passphrase for {}: ", location);
  for (unsigned left = kTriesAtTerminal; left > 0; --left) {
    CAIRN_TRY(Credentials first, passphrase(ask(streams, prompt, hint)));
    CAIRN_TRY(const SecretBytes second, ask(streams, "the same again: ", hint));
    if (core::equal_constant_time(first.secret.view(), second.view())) {
      return NewCredentials{std::move(first), {}};
    }
    if (left > 1 && streams.warn) {
      streams.warn("the two passphrases differ, try again");
    }
  }
  return core::fail(ErrorCode::invalid_argument, "the two passphrases differ");
}

/// The passphrase from options or environment; nullopt if they give none.
core::Result<std::optional<Credentials>> given_passphrase(const Given& given, Streams& streams) {
  const auto some =
      [](core::Result<SecretBytes> secret) -> core::Result<std::optional<Credentials>> {
    CAIRN_TRY(Credentials credentials, passphrase(std::move(secret)));
    return std::optional(std::move(credentials));
  };
  if (!given.password_file.empty()) {
    return some(password_from_file(given.password_file, streams));
  }
  if (!given.key_file.empty()) {
    return std::optional<Credentials>();
  }
  if (const std::string value = given.variable("PASSWORD", streams); !value.empty()) {
    return some(SecretBytes::copy_of(core::as_view(value)));
  }
  if (const std::string path = given.variable("PASSWORD_FILE", streams); !path.empty()) {
    return some(password_from_file(path, streams));
  }
  if (const std::string command = given.variable("PASSWORD_COMMAND", streams); !command.empty()) {
    return some(read_secret_from_command(command, streams.stop));
  }
  return std::optional<Credentials>();
}

/// Empty if none is given.
std::string given_key_file(const Given& given, const Streams& streams) {
  return given.key_file.empty() ? given.variable("KEY_FILE", streams) : given.key_file;
}

core::Result<Credentials> existing_credentials(const Given& given, const std::string& location,
                                               Streams& streams) {
  CAIRN_TRY(auto known, given_passphrase(given, streams));
  if (known) {
    return std::move(*known);
  }
  if (const std::string path = given_key_file(given, streams); !path.empty()) {
    return key_file(path, streams);
  }
  return passphrase(ask(streams, fmt::format("passphrase of {}: ", location), given.ways()));
}

bool asks_terminal(const Given& given, const Streams& streams) {
  if (!given.password_file.empty() || !given.key_file.empty()) {
    return false;
  }
  for (const char* const name : {"PASSWORD", "PASSWORD_FILE", "PASSWORD_COMMAND", "KEY_FILE"}) {
    if (!given.variable(name, streams).empty()) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool asks_terminal(const GlobalArguments& global, const Streams& streams) {
  return asks_terminal(given_by(global), streams);
}

bool asks_terminal(const FromArguments& from, const Streams& streams) {
  return asks_terminal(given_by(from), streams);
}

core::Result<Credentials> credentials_to_open(const GlobalArguments& global,
                                              const std::string& location, Streams& streams) {
  return existing_credentials(given_by(global), location, streams);
}

core::Result<Credentials> credentials_to_copy_from(const FromArguments& from,
                                                   const std::string& location, Streams& streams) {
  return existing_credentials(given_by(from), location, streams);
}

core::Result<NewCredentials> credentials_to_init(const GlobalArguments& global,
                                                 const std::string& location, Streams& streams) {
  const Given given = given_by(global);
  CAIRN_TRY(auto known, given_passphrase(given, streams));
  if (known) {
    return NewCredentials{std::move(*known), {}};
  }
  if (const std::string path = given_key_file(given, streams); !path.empty()) {
    return key_file_or_new(path, streams);
  }
  return ask_twice(location, streams);
}

core::Result<NewCredentials> credentials_to_add(const NewCredentialArguments& arguments,
                                                Streams& streams) {
  if (!arguments.key_file.empty()) {
    return key_file_or_new(arguments.key_file, streams);
  }
  if (!arguments.password_file.empty()) {
    CAIRN_TRY(Credentials credentials,
              passphrase(password_from_file(arguments.password_file, streams)));
    return NewCredentials{std::move(credentials), {}};
  }
  if (const std::string value = streams.variable("CAIRN_NEW_PASSWORD"); !value.empty()) {
    CAIRN_TRY(Credentials credentials, passphrase(SecretBytes::copy_of(core::as_view(value))));
    return NewCredentials{std::move(credentials), {}};
  }
  return ask_twice({}, streams);
}

void forget(const NewCredentials& unused, Streams& streams) {
  if (!unused.made_key_file.empty()) {
    static_cast<void>(streams.file_system.remove(unused.made_key_file));
  }
}

}  // namespace cairn::cli
