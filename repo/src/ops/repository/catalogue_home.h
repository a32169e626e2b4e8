#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cairn/core/process_identity.h"
#include "cairn/core/result.h"
#include "cairn/repo/observer.h"

/// The folders that contain catalogues.
namespace cairn::repo::ops {

/// A folder for its owner alone, whose name says which process made it. The destructor removes it
/// with everything in it.
class TemporaryFolder {
 public:
  /// In the first of `parents` that can be written, those with little space last. Errors: of the
  /// last one tried; invalid_argument if there is none.
  [[nodiscard]] static core::Result<std::unique_ptr<TemporaryFolder>> make(
      const std::vector<std::string>& parents, const core::ProcessIdentity& process);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Removes temporary folders from `parents` that belong to this user and were left by killed
/// processes in the same place as this one, if `is_gone` is certain of that. Best effort; returns
/// how many.
std::uint64_t remove_dead_temporary_folders(
    const std::vector<std::string>& parents, const core::ProcessIdentity& process,
    const std::function<bool(const core::ProcessIdentity&)>& is_gone);

/// Makes the cache folder, and missing ones above it, for their owner alone, and adds a
/// CACHEDIR.TAG, so that backups leave it out. If `catalogue` exists, removes the access of others
/// to it, and warns if they could have changed something in it before. Errors: of the system.
core::Status prepare_cache_folder(const std::string& cache, const std::string& catalogue,
                                  Observer& observer);

}  // namespace cairn::repo::ops
