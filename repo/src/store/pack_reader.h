#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "store/backend.h"
#include "store/catalogue.h"
#include "store/key_ring.h"
#include "store/seal.h"

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
/// packs (an X25519 operation costs some 50 us) but no blocks. `backend` and `keys` must outlive it.
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
  [[nodiscard]] std::uint64_t bytes_read() const noexcept;

 private:
  [[nodiscard]] core::Result<std::shared_ptr<const core::SecretBytes>> cipher_key(
      format::BlockKind kind, const format::KeyRecord& record);

  static constexpr std::size_t kKeyCacheMax = 256;

  Backend& backend_;
  const KeyRing& keys_;
  mutable std::mutex mutex_;
  std::unordered_map<format::Salt, std::shared_ptr<const core::SecretBytes>> key_cache_;
  std::uint64_t bytes_read_ = 0;
};

/// Fetches chunks by id, with a small cache of expanded blocks: for nodes, and for reading one
/// file front to back. Every chunk is re-hashed before it is handed out. Thread-safe.
/// Memory: kBlockCacheBytesMax plus one block per thread inside get().
class ChunkReader {
 public:
  ChunkReader(BlockReader& blocks, const Catalogue& catalogue, const KeyRing& keys)
      : blocks_(blocks), catalogue_(catalogue), keys_(keys) {}

  /// A copy of the chunk's plaintext. Errors: not_found (no living pack has it), corrupt,
  /// not_permitted, io; the message names chunk and pack.
  [[nodiscard]] core::Result<core::Bytes> get(const ChunkId& id, format::BlockKind kind);

  static constexpr std::size_t kBlockCacheBytesMax = 16 * 1024 * 1024;

 private:
  struct CachedBlock {
    std::uint64_t key = 0;  ///< pack number and block
    std::shared_ptr<const core::Bytes> plain;
  };
  [[nodiscard]] core::Result<std::shared_ptr<const core::Bytes>> block(
      const ChunkLocation& location);

  BlockReader& blocks_;
  const Catalogue& catalogue_;
  const KeyRing& keys_;
  std::mutex mutex_;
  std::list<CachedBlock> recent_;  ///< most recent first
  std::unordered_map<std::uint64_t, std::list<CachedBlock>::iterator> by_key_;
  std::size_t cached_bytes_ = 0;
};

}  // namespace cairn::repo::store
