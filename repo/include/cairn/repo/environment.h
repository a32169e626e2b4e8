#pragma once

#include <cstddef>
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

/// What the library needs from its surroundings.
namespace cairn::repo {

namespace store {
class BackendRegistry;
}

inline constexpr std::size_t kBlockCacheBytesMax = 16 * 1024 * 1024;

/// Passed in, so that tests can replace each part. What it refers to must outlive the repository.
struct Environment {
  core::FileSystem& file_system;
  core::Clock& clock;
  core::Random& random;
  std::string host;
  std::string user;
  core::ProcessIdentity process;
  /// Parent folder of the catalogues; made if missing. Empty: no catalogue is kept, see below.
  std::string cache_folder;
  /// True if a process has certainly ended. Empty: it is never known.
  std::function<bool(const core::ProcessIdentity&)> process_is_gone = {};
  /// Folders for a catalogue that serves only one run, if cache_folder cannot be used: the first
  /// one that can be written is taken. The catalogue is removed at the end.
  std::vector<std::string> temporary_folders = {};
  const core::Threads& threads = core::system_threads();
  /// The kinds of storage; nullptr: the built-in ones.
  const store::BackendRegistry* backends = nullptr;
  /// How many bytes of expanded blocks an open repository caches for reading chunks. A block that
  /// is larger is not cached; 0: none is.
  std::size_t block_cache_bytes_max = kBlockCacheBytesMax;
};

/// Where a user's folders are.
struct UserFolders {
  /// A variable of the environment; nullopt if it is not set. Empty: none is set.
  std::function<std::optional<std::string>(const std::string& name)> variable = {};
  std::string home = {};  ///< if HOME is not set; empty if unknown

  /// CAIRN_CACHE_DIR, else $XDG_CACHE_HOME/cairn, else ~/.cache/cairn. Empty if there is no home.
  [[nodiscard]] std::string cache() const;
  /// TMPDIR, and the folders that every system has.
  [[nodiscard]] std::vector<std::string> temporary() const;
};
/// The folders of the user that this process runs as. `variable` reads the environment at each
/// call; nothing may change it at the same time.
[[nodiscard]] UserFolders system_user_folders();

/// All that is needed to open a repository, on this machine and as the user of this process. What
/// it refers to lives as long as the process. Errors: internal (no cryptography).
[[nodiscard]] core::Result<Environment> system_environment();

}  // namespace cairn::repo
