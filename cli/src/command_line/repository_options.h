#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "command_line/usage_error.h"

namespace CLI {
class App;
}

/// Options that name repositories, say what opens them, and limit their size.
namespace cairn::cli {

/// Accepted before and after every command. Empty text: not given.
struct GlobalArguments {
  std::string repository;
  std::string password_file;
  std::string key_file;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
  bool no_cache = false;
};
/// Declares them; `global` must outlive the app.
void add_global(CLI::App& app, GlobalArguments& global);

/// The source of a copy; empty text: not given.
struct FromArguments {
  std::string repository;
  std::string password_file;
  std::string key_file;
};
/// Declares --from-repo and what opens that repository; `from` must outlive the app.
void add_from(CLI::App& command, FromArguments& from, const char* help);
[[nodiscard]] std::optional<UsageError> check_from(const FromArguments& from);

/// Where new credentials come from; both empty: CAIRN_NEW_PASSWORD, else the terminal.
struct NewCredentialArguments {
  std::string password_file;
  std::string key_file;
};

/// Declares --max-repo-size; `typed` must outlive the app.
void add_max_repo_size(CLI::App& command, std::string& typed, const char* help);
/// In the form of repo::Settings; stays nullopt if nothing was typed.
[[nodiscard]] std::optional<UsageError> take_max_repo_size(const std::string& typed,
                                                           std::optional<std::uint64_t>& bytes);

}  // namespace cairn::cli
