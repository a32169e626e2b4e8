#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/reachability.h"
#include "ops/writing/chunk_store.h"

namespace cairn::repo::ops {

/// Packs with their directories, according to the index.
using KnownDirectories = std::map<PackId, format::IndexedPack>;

struct RepackOptions {
  const ChunkMarks& marks;
  const ChunkMarks& repeated;  ///< marked chunks that may be in several packs
  store::PackFilter stays;     ///< packs that stay: their chunks need not be copied
  unsigned workers = 1;
  std::stop_token stop = {};
  /// Not nullptr: the packs are damaged. Their directories are taken from here; everything intact
  /// in a block is copied, and the rest is remembered: Repack::lost(). A pack of which even this is
  /// unknown, because the storage does not return its bytes, is remembered too: unread(). Needs the
  /// keys of all blocks; `repeated` must contain all of `marks`.
  const KnownDirectories* damaged = nullptr;
};

/// Copies what is marked out of packs into new ones. A block of which everything is needed is moved
/// unopened; of others the needed chunks are put into new blocks of their kind if the role can open
/// them, otherwise the whole block is moved. Everything is checked before it is copied: chunks
/// against their ids if the role has the key, otherwise ciphertext against the pack's table.
///
/// Not thread-safe; works with `workers` threads. Memory: for each of these its open blocks and one
/// block being read, 20 MiB at worst; 40 bytes for each repeated chunk; that of ChunkStore.
class Repack {
 public:
  Repack(CatalogueView view, const RepackOptions& options, ChunkStore& store, ProgressMeter& meter)
      : view_(view), options_(options), store_(store), meter_(meter) {}

  /// Damaged packs that are not in `damaged` are skipped with a warning: their chunks are not
  /// copied, so they must stay. Errors: not_found (another collector has deleted a pack: plan
  /// again), no_space (what was published stays), interrupted, io.
  core::Status run(const std::vector<PackId>& packs);

  /// Chunks of damaged packs that could not be read and that no remaining pack has. Errors: of the
  /// catalogue.
  [[nodiscard]] core::Result<std::set<ChunkId>> lost() const;
  /// Damaged packs with a block that may be readable another time.
  [[nodiscard]] const std::set<PackId>& unread() const noexcept { return unread_; }
  [[nodiscard]] std::uint64_t copied_chunks() const noexcept { return copied_chunks_; }

 private:
  class Worker;
  /// True if this copy of the chunk is the one to keep.
  [[nodiscard]] core::Result<bool> claim(const ChunkId& id);
  void add_unreadable(const ChunkId& id);
  void add_unread(const PackId& id, const core::Error& error);

  CatalogueView view_;
  const RepackOptions options_;
  ChunkStore& store_;
  ProgressMeter& meter_;
  std::atomic<std::uint64_t> copied_chunks_{0};
  std::mutex mutex_;  ///< protects what follows
  std::unordered_set<ChunkId> copied_;
  std::set<ChunkId> unreadable_;
  std::set<PackId> unread_;
};

}  // namespace cairn::repo::ops
