#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cairn/core/process_identity.h"
#include "cairn/core/result.h"
#include "cairn/repo/observer.h"

/// The folders that catalogues lie in.
namespace cairn::repo::ops {

/// A folder for its owner alone, whose name says which process has made it; removed with everything
/// in it in the destructor.
class TemporaryFolder {
 public:
  /// In the first of `parents` that can be written, those with little room last. Errors: of the
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

/// Removes temporary folders from `parents` that killed processes of this one's place have left, as
/// far as `is_gone` is certain of them and they belong to this user. Best effort; answers how many.
std::uint64_t remove_dead_temporary_folders(
    const std::vector<std::string>& parents, const core::ProcessIdentity& process,
    const std::function<bool(const core::ProcessIdentity&)>& is_gone);

/// Makes the cache folder, and those above it that are missing, for their owner alone, and marks it
/// with a CACHEDIR.TAG, so that backups leave it out. Takes from others what they may do to
/// `catalogue`, if it is there; warns if they could do something to it before it is looked at.
/// Errors: of the system.
core::Status prepare_cache_folder(const std::string& cache, const std::string& catalogue,
                                  Observer& observer);

}  // namespace cairn::repo::ops
