#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "format/index.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/write_view.h"
#include "ops/writing/claim_table.h"
#include "ops/writing/storage_room.h"

namespace cairn::repo::ops {

/// Lists published packs in index segments, then in the catalogue, and keeps the account of the
/// size limit. Thread-safe.
///
/// A segment is due once unlisted packs hold kListedBytes or kListedChunks: that much an
/// interrupted session may lose, and until then it is held in memory (about 120 bytes a chunk).
class IndexPublisher {
 public:
  static constexpr std::uint64_t kListedBytes = 1024ULL * 1024 * 1024;
  /// 768 MiB at 16 KiB each.
  static constexpr std::uint64_t kListedChunks = 48 * 1024;

  IndexPublisher(WriteView view, ClaimTable& claims, const StorageLimit& limit,
                 ProgressMeter& meter)
      : view_(view), claims_(claims), meter_(meter), room_(limit) {}

  /// Notes a published pack; publishes a segment if one is due.
  core::Status add(format::IndexedPack pack);
  /// Publishes a segment of all unlisted packs.
  core::Status publish();

  [[nodiscard]] bool is_limited() const noexcept { return room_.is_limited(); }
  /// False if with this block not everything accepted so far could be published.
  [[nodiscard]] bool take_room(const StorageRoom::Block& block);
  [[nodiscard]] core::Error no_room() const;
  /// For the end: whether there is also space for a snapshot. Errors: no_space.
  [[nodiscard]] core::Status check_room_for(const Snapshot& snapshot) const;

  struct Totals {
    std::array<std::uint64_t, 2> packs{};  ///< of data, of metadata
    std::uint64_t pack_bytes = 0;
    std::uint64_t segment_bytes = 0;
  };
  /// Does not wait while a segment is being published.
  [[nodiscard]] Totals totals() const;

 private:
  core::Status publish_now();

  WriteView view_;
  ClaimTable& claims_;
  ProgressMeter& meter_;
  mutable std::mutex mutex_;  ///< protects what follows
  StorageRoom room_;
  std::vector<format::IndexedPack> unlisted_;
  std::uint64_t unlisted_bytes_ = 0;
  std::uint64_t unlisted_chunks_ = 0;
  mutable std::mutex totals_mutex_;  ///< protects totals_; locked after mutex_
  Totals totals_;
};

}  // namespace cairn::repo::ops
