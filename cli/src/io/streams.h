#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cairn/core/clock.h"
#include "cairn/core/crypto.h"
#include "cairn/core/file_system.h"
#include "cairn/core/process_identity.h"
#include "cairn/core/random.h"
#include "cairn/core/result.h"
#include "cairn/core/secret.h"

namespace cairn::cli {

/// All that the program touches besides the files it backs up and restores. The real ones are made
/// in system_streams.h; tests pass their own. References must outlive the run.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  core::FileSystem& file_system;
  core::Clock& clock;
  core::Random& random;

  bool out_is_terminal = false;
  bool err_is_terminal = false;
  /// Columns of the terminal behind `err`, asked each time because windows change.
  std::function<std::size_t()> err_columns = {};
  /// errno of the write to `out` that failed, or 0 if that is not known.
  std::function<int()> out_error = {};
  /// errno of the read from `in` that failed, or 0: it has ended. Not set: that is not known.
  std::function<int()> in_error = {};
  /// Nobody can read what is written to `out`: the descriptor was closed when the program started.
  bool out_is_closed = false;
  /// True once after somebody asked how far it is, as by SIGUSR1. Not set: nobody can.
  std::function<bool()> progress_wanted = {};
  /// nullopt if the variable is not set.
  std::function<std::optional<std::string>(const std::string& name)> environment = {};
  /// Asks for a passphrase without echo. Errors: not_found (no terminal), interrupted, io.
  std::function<core::Result<core::SecretBytes>(std::string_view prompt)> ask_passphrase = {};
  /// Asks a yes-or-no question. Not set where nobody is there to answer: standard input or standard
  /// error is no terminal. Errors: interrupted, io.
  std::function<core::Result<bool>(std::string_view question)> confirm = {};

  /// Takes a warning that the user should see before the command is at its end. Not set: nobody
  /// sees.
  std::function<void(std::string_view text)> warn = {};

  std::string host = {};
  std::string user = {};
  std::string home_folder = {};     ///< where HOME is not set; empty if unknown
  std::string working_folder = {};  ///< absolute; empty if it is gone or cannot be told
  core::ProcessIdentity process = {};
  /// True if a process is certain to be over. Not set: nobody knows.
  std::function<bool(const core::ProcessIdentity&)> process_is_gone = {};
  core::KdfParameters kdf = {};  ///< cost of new passphrases
  std::stop_token stop = {};     ///< asked to stop: finish soon, keep what is stored

  /// Of the environment; empty if it is not set.
  [[nodiscard]] std::string variable(const std::string& name) const {
    return environment ? environment(name).value_or("") : std::string();
  }
};

}  // namespace cairn::cli
