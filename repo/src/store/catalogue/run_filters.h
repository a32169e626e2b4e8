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

/// Filters of runs in our own memory. A lookup reads the filter of every run at a random place. In
/// the map, where filters and leaves alternate and the kernel maps 64 KiB around each page, that
/// would make the whole catalogue count as this process' memory.
namespace cairn::repo::store {

/// The pieces of one run's filter that were needed so far. Runs never change. Thread-safe.
class RunFilter {
 public:
  /// Takes the memory of `pieces` pieces from `room_bytes` until it is destroyed.
  RunFilter(std::uint32_t pieces, std::atomic<std::int64_t>& room_bytes);
  ~RunFilter();
  RunFilter(const RunFilter&) = delete;
  RunFilter& operator=(const RunFilter&) = delete;

  /// Memory for so many pieces.
  [[nodiscard]] static std::int64_t room_for(std::uint32_t pieces) noexcept;
  /// Reads it the first time. The view is valid as long as this object. Errors: corrupt if there is
  /// no such piece, io.
  [[nodiscard]] core::Result<core::ByteView> piece(const LmdbTxn& txn, const RunInfo& run,
                                                   std::uint32_t number);

 private:
  struct Piece;
  std::vector<std::atomic<const Piece*>> pieces_;  ///< nullptr: not needed so far
  std::atomic<std::int64_t>& room_bytes_;
};

/// The filters of all runs that are searched. Thread-safe; must outlive the results of of().
/// Memory: 1.5 bytes a chunk, 64 MiB at most; beyond that, filters are read from the map.
class RunFilters {
 public:
  static constexpr std::int64_t kBytesMax = std::int64_t{64} * 1024 * 1024;

  /// One for each run; nullptr: it has no filter, or there is no memory left for it.
  [[nodiscard]] std::vector<std::shared_ptr<RunFilter>> of(std::span<const RunInfo> runs);

 private:
  std::atomic<std::int64_t> room_bytes_{kBytesMax};
  std::mutex mutex_;  ///< protects by_run_
  std::unordered_map<std::uint32_t, std::weak_ptr<RunFilter>> by_run_;
};

}  // namespace cairn::repo::store
