#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/environment.h"
#include "store/catalogue/catalogue.h"
#include "store/objects/key_ring.h"
#include "store/packs/pack_reader.h"

namespace cairn::repo::store {

/// Fetches chunks by id, with a small cache of expanded blocks: for nodes, and for reading one
/// file front to back. Every chunk is re-hashed before it is handed out. Thread-safe.
/// Memory: `cache_bytes_max`, and for each thread inside get() one block in three forms:
/// ciphertext, compressed, expanded.
class ChunkReader {
 public:
  /// Brings the catalogue up to date.
  using Refresh = std::function<core::Status()>;

  /// Chunks are looked for in packs that `present` accepts. A chunk that is not found is looked for
  /// once more after `refresh`, if there is one: a prune may have moved it. Calls wait for each
  /// other. Chunks that no pack of the index has cause only one refresh, until expect_changes().
  ChunkReader(BlockReader& blocks, const Catalogue& catalogue, const KeyRing& keys,
              PackFilter present = {}, Refresh refresh = {},
              std::size_t cache_bytes_max = kBlockCacheBytesMax)
      : blocks_(blocks),
        catalogue_(catalogue),
        keys_(keys),
        present_(std::move(present)),
        refresh_(std::move(refresh)),
        cache_bytes_max_(cache_bytes_max) {}

  /// A copy of the chunk's plaintext. Errors: not_found (no living pack has it), corrupt,
  /// not_permitted, io; the message names chunk and pack.
  [[nodiscard]] core::Result<core::Bytes> get(const ChunkId& id, format::BlockKind kind);

  /// To be called when a verb begins: what was missing the last time may be there now.
  void expect_changes() noexcept { refreshed_in_vain_ = false; }

  /// Bytes of expanded blocks in the cache.
  [[nodiscard]] std::size_t cached_bytes() const;

 private:
  using SharedBlock = std::shared_ptr<const core::Bytes>;
  struct CachedBlock {
    std::uint64_t key = 0;  ///< pack number and block
    SharedBlock plain;
  };
  [[nodiscard]] core::Result<core::Bytes> find(const ChunkId& id, format::BlockKind kind);
  [[nodiscard]] core::Result<SharedBlock> block(const ChunkLocation& location);
  [[nodiscard]] SharedBlock find_cached(std::uint64_t key);
  void keep(std::uint64_t key, const SharedBlock& plain);
  [[nodiscard]] std::unique_ptr<BlockReader::Scratch> take_scratch();
  void give_back(std::unique_ptr<BlockReader::Scratch> scratch);

  static constexpr std::size_t kScratchKeptMax = 8;

  BlockReader& blocks_;
  const Catalogue& catalogue_;
  const KeyRing& keys_;
  const PackFilter present_;
  const Refresh refresh_;
  const std::size_t cache_bytes_max_;
  std::mutex refresh_mutex_;
  std::atomic<bool> refreshed_in_vain_{false};
  mutable std::mutex mutex_;
  std::list<CachedBlock> recent_;  ///< most recent first
  std::unordered_map<std::uint64_t, std::list<CachedBlock>::iterator> by_key_;
  std::size_t cached_bytes_ = 0;
  std::vector<std::unique_ptr<BlockReader::Scratch>> scratch_;
};

}  // namespace cairn::repo::store
