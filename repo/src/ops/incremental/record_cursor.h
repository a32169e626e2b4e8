#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "cairn/core/result.h"
#include "ops/incremental/stat_cache.h"

namespace cairn::repo::ops {

/// Steps through a folder's record beside a fresh listing of the folder, both in the order of
/// names. As long as stamps agree, names are not even read. Not thread-safe.
class RecordCursor {
 public:
  /// `cache` must outlive it. `on_removed`, if given, receives the names that the listing lacks.
  RecordCursor(const StatCache& cache, std::shared_ptr<const RecalledFolder> folder,
               std::function<void(std::string_view name)> on_removed);

  struct Match {
    std::optional<std::uint32_t> index = {};  ///< of the child with this name, if there is one
    bool same = false;                        ///< and the stamps are equal
  };
  /// Names must ascend from call to call. Errors: as StatCache::piece().
  [[nodiscard]] core::Result<Match> look_up(std::string_view name, Stamp stamp);
  /// Another cursor at the same position, which does not report removed names.
  [[nodiscard]] RecordCursor ahead() const {
    RecordCursor other = *this;
    other.on_removed_ = nullptr;
    return other;
  }
  /// To be called after the last name.
  core::Status finish();

  /// The recorded entry of a child.
  [[nodiscard]] core::Result<const Entry*> entry(std::uint32_t index) { return entries_.at(index); }
  [[nodiscard]] const RecalledFolder& folder() const noexcept { return *folder_; }

 private:
  std::shared_ptr<const RecalledFolder> folder_;
  RecordEntries entries_;
  std::function<void(std::string_view name)> on_removed_;
  std::uint32_t next_ = 0;
};

}  // namespace cairn::repo::ops
