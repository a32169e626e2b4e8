#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "store/backend/backend.h"
#include "store/catalogue/catalogue.h"
#include "store/objects/key_ring.h"
#include "store/objects/seal.h"

namespace cairn::repo::store {

/// A pack's own description, read from its end and its header without the catalogue.
struct PackDescription {
  format::PackHeader header;
  format::PackFooter footer;
  format::PackDirectory directory;
  std::uint64_t size_bytes = 0;
};
/// Reads and authenticates it, and checks that name and footer agree. Errors: not_found, corrupt
/// (each says what is wrong), io.
[[nodiscard]] core::Result<PackDescription> read_pack_description(Backend& backend,
                                                                  const KeyRing& keys,
                                                                  const PackId& id);

/// Reads, authenticates and expands single blocks. Thread-safe; keeps the cipher keys of the last
/// packs (an X25519 operation costs some 50 us) but no blocks. `backend` and `keys` must outlive
/// it. Memory: kKeyCacheMax keys; blocks lie in the caller's buffers.
class BlockReader {
 public:
  BlockReader(Backend& backend, const KeyRing& keys) : backend_(backend), keys_(keys) {}

  /// Per-thread work space; reuse it from block to block.
  struct Scratch {
    core::Bytes sealed;
    core::Bytes payload;
    core::Decompressor decompressor;
  };

  /// The plaintext of block `block` of the pack into `out`. Errors: not_found (the pack is gone),
  /// corrupt (names pack and block), not_permitted, io.
  core::Status read(const PackSummary& pack, std::uint32_t block, Scratch& scratch,
                    core::Bytes& out);
  /// As read(), from bytes of the pack that the caller has already.
  core::Status open(const PackSummary& pack, std::uint32_t block, core::ByteView sealed,
                    Scratch& scratch, core::Bytes& out);

  /// Bytes fetched from the backend so far.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  using SharedKey = std::shared_ptr<const core::SecretBytes>;
  struct CachedKey {
    format::BlockKind kind = format::BlockKind::data;
    format::KeyRecord record;
    SharedKey key;
  };
  [[nodiscard]] core::Result<SharedKey> cipher_key(format::BlockKind kind,
                                                   const format::KeyRecord& record);
  core::Status open_into(const PackSummary& pack, std::uint32_t block, core::ByteView sealed,
                         Scratch& scratch, core::Bytes& out);

  static constexpr std::size_t kKeyCacheMax = 256;

  Backend& backend_;
  const KeyRing& keys_;
  std::mutex mutex_;
  std::unordered_map<format::Salt, CachedKey> key_cache_;
  std::atomic<std::uint64_t> bytes_read_{0};
};

/// Of each chunk of an expanded block: whether it is what its id says. What lies beyond the end of
/// `plain` is not.
[[nodiscard]] std::vector<bool> intact_chunks(const KeyRing& keys, format::BlockKind kind,
                                              const format::BlockRecord& record,
                                              core::ByteView plain);

/// Fetches chunks by id, with a small cache of expanded blocks: for nodes, and for reading one
/// file front to back. Every chunk is re-hashed before it is handed out. Thread-safe.
/// Memory: kBlockCacheBytesMax, and for each thread inside get() the work space of one block: its
/// ciphertext, its compressed and its expanded form.
class ChunkReader {
 public:
  /// Brings the catalogue up to date.
  using Refresh = std::function<core::Status()>;

  /// Chunks are looked for in packs that `present` lets through. What is not found is looked for
  /// once more after `refresh`, if there is one: a prune may have moved it. Calls wait for each
  /// other. What no pack of the index has makes for one refresh only, until expect_changes().
  ChunkReader(BlockReader& blocks, const Catalogue& catalogue, const KeyRing& keys,
              PackFilter present = {}, Refresh refresh = {})
      : blocks_(blocks),
        catalogue_(catalogue),
        keys_(keys),
        present_(std::move(present)),
        refresh_(std::move(refresh)) {}

  /// A copy of the chunk's plaintext. Errors: not_found (no living pack has it), corrupt,
  /// not_permitted, io; the message names chunk and pack.
  [[nodiscard]] core::Result<core::Bytes> get(const ChunkId& id, format::BlockKind kind);

  /// A verb begins: what was missing the last time may be there now.
  void expect_changes() noexcept { refreshed_in_vain_ = false; }

  /// Bytes of expanded blocks held now.
  [[nodiscard]] std::size_t cached_bytes() const;

  static constexpr std::size_t kBlockCacheBytesMax = 16 * 1024 * 1024;

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
  std::mutex refresh_mutex_;
  std::atomic<bool> refreshed_in_vain_{false};
  mutable std::mutex mutex_;
  std::list<CachedBlock> recent_;  ///< most recent first
  std::unordered_map<std::uint64_t, std::list<CachedBlock>::iterator> by_key_;
  std::size_t cached_bytes_ = 0;
  std::vector<std::unique_ptr<BlockReader::Scratch>> scratch_;
};

}  // namespace cairn::repo::store
