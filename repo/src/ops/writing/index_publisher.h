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

/// Lists published packs in index segments, then in the catalogue, and keeps the books of the size
/// limit. Thread-safe.
///
/// A segment is due once kListedBytes or kListedChunks lie in packs that none lists: that is what
/// an interrupted session may lose, and what is held in memory until then (some 120 bytes a chunk).
class IndexPublisher {
 public:
  static constexpr std::uint64_t kListedBytes = 1024ULL * 1024 * 1024;
  /// 768 MiB at 16 KiB each.
  static constexpr std::uint64_t kListedChunks = 48 * 1024;

  IndexPublisher(WriteView view, ClaimTable& claims, const StorageLimit& limit,
                 ProgressMeter& meter)
      : view_(view), claims_(claims), meter_(meter), room_(limit) {}

  /// Takes note of a pack that has been published; publishes a segment if one is due.
  core::Status add(format::IndexedPack pack);
  /// Publishes a segment of all packs that none lists yet.
  core::Status publish();

  /// False if not all that was taken so far could be published once this block has been, too.
  [[nodiscard]] bool take_room(const StorageRoom::Block& block);
  [[nodiscard]] core::Error no_room() const;
  /// For the end: whether there is room for a snapshot, too. Errors: no_space.
  [[nodiscard]] core::Status check_room_for(const Snapshot& snapshot) const;

  struct Totals {
    std::array<std::uint64_t, 2> packs{};  ///< of data, of metadata
    std::uint64_t pack_bytes = 0;
    std::uint64_t segment_bytes = 0;
  };
  /// Does not wait for a segment that is being published.
  [[nodiscard]] Totals totals() const;

 private:
  core::Status publish_now();

  WriteView view_;
  ClaimTable& claims_;
  ProgressMeter& meter_;
  mutable std::mutex mutex_;  ///< what follows
  StorageRoom room_;
  std::vector<format::IndexedPack> unlisted_;
  std::uint64_t unlisted_bytes_ = 0;
  std::uint64_t unlisted_chunks_ = 0;
  mutable std::mutex totals_mutex_;  ///< totals_; mutex_ comes before it
  Totals totals_;
};

}  // namespace cairn::repo::ops
