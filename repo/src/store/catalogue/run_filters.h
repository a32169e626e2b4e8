#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "cairn/core/result.h"
#include "store/catalogue/catalogue_records.h"
#include "store/catalogue/lmdb_env.h"

/// Filters of runs in memory of our own. A lookup asks the filter of every run at a random place;
/// in the map, where filters and leaves lie in turns and the kernel maps 64 KiB around each page,
/// that would make the whole catalogue part of this process' memory.
namespace cairn::repo::store {

/// The pieces of one run's filter that were asked for. Runs never change. Thread-safe.
class RunFilter {
 public:
  /// `pieces` pieces are taken off `room_bytes` until it is destroyed.
  RunFilter(std::uint32_t pieces, std::atomic<std::int64_t>& room_bytes);
  ~RunFilter();
  RunFilter(const RunFilter&) = delete;
  RunFilter& operator=(const RunFilter&) = delete;

  /// Of memory, for so many pieces.
  [[nodiscard]] static std::int64_t room_for(std::uint32_t pieces) noexcept;
  /// Reads it the first time. The view lives as long as this. Errors: corrupt if there is no such
  /// piece, io.
  [[nodiscard]] core::Result<core::ByteView> piece(const LmdbTxn& txn, const RunInfo& run,
                                                   std::uint32_t number);

 private:
  struct Piece;
  std::vector<std::atomic<const Piece*>> pieces_;  ///< nullptr: nobody asked for it
  std::atomic<std::int64_t>& room_bytes_;
};

/// The filters of all runs that somebody looks into. Thread-safe; must outlive what of() answers.
/// Memory: 1.5 bytes a chunk, 64 MiB at most; beyond, filters are read from the map.
class RunFilters {
 public:
  static constexpr std::int64_t kBytesMax = std::int64_t{64} * 1024 * 1024;

  /// One for each run; nullptr: it has no filter, or there is no room for it.
  [[nodiscard]] std::vector<std::shared_ptr<RunFilter>> of(std::span<const RunInfo> runs);

 private:
  std::atomic<std::int64_t> room_bytes_{kBytesMax};
  std::mutex mutex_;  ///< by_run_
  std::unordered_map<std::uint32_t, std::weak_ptr<RunFilter>> by_run_;
};

}  // namespace cairn::repo::store
