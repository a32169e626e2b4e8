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

/// Everything that the program uses besides the files it backs up and restores. The real ones are
/// made in system_streams.h; tests pass their own. References must outlive the run.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  core::FileSystem& file_system;
  core::Clock& clock;
  core::Random& random;

  bool out_is_terminal = false;
  bool err_is_terminal = false;
  /// Columns of the terminal of `err`, read each time because windows change.
  std::function<std::size_t()> err_columns = {};
  /// errno of the failed write to `out`; 0: unknown.
  std::function<int()> out_error = {};
  /// errno of the failed read from `in`; 0: it has ended. Not set: unknown.
  std::function<int()> in_error = {};
  /// Nobody can read what is written to `out`: the descriptor was closed when the program started.
  bool out_is_closed = false;
  /// True once after somebody asked for progress, as by SIGUSR1. Not set: nobody can.
  std::function<bool()> progress_wanted = {};
  /// nullopt if the variable is not set.
  std::function<std::optional<std::string>(const std::string& name)> environment = {};
  /// Asks for a passphrase without echo. Errors: not_found (no terminal), interrupted, io.
  std::function<core::Result<core::SecretBytes>(std::string_view prompt)> ask_passphrase = {};
  /// Asks a yes-or-no question. Not set if nobody can answer: standard input or standard error is
  /// no terminal. Errors: interrupted, io.
  std::function<core::Result<bool>(std::string_view question)> confirm = {};

  /// Shows a warning that the user should see before the command ends. Not set: there is nobody to
  /// see it.
  std::function<void(std::string_view text)> warn = {};

  std::string host = {};
  std::string user = {};
  std::string home_folder = {};     ///< if HOME is not set; empty if unknown
  std::string working_folder = {};  ///< absolute; empty if it is gone or unknown
  core::ProcessIdentity process = {};
  /// True if a process has certainly ended. Not set: it is never known.
  std::function<bool(const core::ProcessIdentity&)> process_is_gone = {};
  core::KdfParameters kdf = {};  ///< cost of new passphrases
  std::stop_token stop = {};     ///< asked to stop: finish soon, keep what is stored

  /// A variable of the environment; empty if it is not set.
  [[nodiscard]] std::string variable(const std::string& name) const {
    return environment ? environment(name).value_or("") : std::string();
  }
};

}  // namespace cairn::cli
