#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/core/file_system.h"
#include "cairn/core/process_identity.h"
#include "cairn/core/random.h"
#include "cairn/core/result.h"
#include "cairn/core/thread.h"

/// What the library needs of the world.
namespace cairn::repo {

namespace store {
class BackendRegistry;
}

/// Passed in, so that tests can replace each part. What it refers to must outlive the repository.
struct Environment {
  core::FileSystem& file_system;
  core::Clock& clock;
  core::Random& random;
  std::string host;
  std::string user;
  core::ProcessIdentity process;
  /// Parent of the catalogues; made if missing. Empty: none is kept, see below.
  std::string cache_folder;
  /// True if a process is certain to be over. Empty: nobody knows.
  std::function<bool(const core::ProcessIdentity&)> process_is_gone = {};
  /// Where a catalogue for one run alone may lie, if cache_folder cannot be used: the first one
  /// that can be written. It is removed at the end.
  std::vector<std::string> temporary_folders = {};
  const core::Threads& threads = core::system_threads();
  /// The kinds of storage that there are; nullptr: those that are built in.
  const store::BackendRegistry* backends = nullptr;
};

/// What tells where a user's folders are.
struct UserFolders {
  /// Of the environment; nullopt if the variable is not set. Empty: none is set.
  std::function<std::optional<std::string>(const std::string& name)> variable = {};
  std::string home = {};  ///< where HOME is not set; empty if unknown

  /// CAIRN_CACHE_DIR, else $XDG_CACHE_HOME/cairn, else ~/.cache/cairn. Empty if there is no home.
  [[nodiscard]] std::string cache() const;
  /// TMPDIR and those that every system has.
  [[nodiscard]] std::vector<std::string> temporary() const;
};
/// Those of the user that this process runs as. Reads the environment at each call of `variable`:
/// nobody may change it at the same time.
[[nodiscard]] UserFolders system_user_folders();

/// This machine, and the user that this process runs as: all that is needed to open a repository.
/// What it refers to lives as long as the process. Errors: internal (no cryptography).
[[nodiscard]] core::Result<Environment> system_environment();

}  // namespace cairn::repo
