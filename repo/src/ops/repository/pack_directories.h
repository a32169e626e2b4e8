#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "format/index.h"
#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// All packs with their directories: those in the index segments and, for packs that no readable
/// segment lists, their own. Fixed at the time of list(): what others publish later is not seen,
/// what they remove is skipped. Not thread-safe. Memory: 50 bytes a pack, and in visit() one
/// segment.
class PackDirectories {
 public:
  /// `foreign` receives names that are not ours.
  [[nodiscard]] static core::Result<PackDirectories> list(
      const OpenRepository& repository, const std::function<void(std::string_view)>& foreign = {});

  [[nodiscard]] const std::vector<IndexSegmentId>& segments() const noexcept { return segments_; }
  /// Packs that are there, with their sizes.
  [[nodiscard]] const std::unordered_map<PackId, std::uint64_t>& present() const noexcept {
    return present_;
  }

  /// True if the pack exists with the recorded size.
  [[nodiscard]] bool is_whole(const format::IndexedPack& pack) const {
    const auto found = present_.find(pack.id);
    return found != present_.end() && found->second == pack.size_bytes;
  }

  /// True if both have listed the same objects.
  [[nodiscard]] bool lists_the_same(const PackDirectories& other) const {
    return segments_ == other.segments_ && present_ == other.present_;
  }
  /// True if everything that the other one has listed is listed here too.
  [[nodiscard]] bool lists_all_of(const PackDirectories& other) const;

  struct Visited {
    const IndexSegmentId* segment = nullptr;  ///< nullptr: no segment lists it
    const format::IndexedPack& pack;
  };
  /// Visits the packs of one segment after the other, then unlisted packs. A pack is visited once
  /// for each segment that lists it, whether it exists or not. Damaged segments and unreadable
  /// unlisted packs are skipped with a warning. Errors: io, interrupted; or what `visit` returns.
  core::Status visit(const std::function<core::Status(const Visited&)>& visit,
                     const std::stop_token& stop, Observer& observer) const;

 private:
  explicit PackDirectories(const OpenRepository& repository) : repository_(&repository) {}

  const OpenRepository* repository_;
  std::vector<IndexSegmentId> segments_;  ///< sorted
  std::unordered_map<PackId, std::uint64_t> present_;
};

}  // namespace cairn::repo::ops
