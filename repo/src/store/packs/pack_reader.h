#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cairn/core/compress.h"
#include "cairn/core/result.h"
#include "store/backend/backend.h"
#include "store/objects/key_ring.h"
#include "store/objects/seal.h"
#include "store/packs/pack_summary.h"

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
/// packs (an X25519 operation costs about 50 us) but no blocks. `backend` and `keys` must outlive
/// it. Memory: kKeyCacheMax keys; blocks are in the caller's buffers.
class BlockReader {
 public:
  BlockReader(Backend& backend, const KeyRing& keys) : backend_(backend), keys_(keys) {}

  /// Work space of one thread; reuse it from block to block.
  struct Scratch {
    core::Bytes sealed;
    core::Bytes payload;
    core::Decompressor decompressor;
  };

  /// The plaintext of block `block` of the pack into `out`. Errors: not_found (the pack is gone),
  /// corrupt (names pack and block), not_permitted, io.
  core::Status read(const PackSummary& pack, std::uint32_t block, Scratch& scratch,
                    core::Bytes& out);
  /// As read(), from bytes of the pack that the caller already has.
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

/// For each chunk of an expanded block: whether its bytes match its id. A chunk that ends beyond
/// `plain` does not.
[[nodiscard]] std::vector<bool> intact_chunks(const KeyRing& keys, format::BlockKind kind,
                                              const format::BlockRecord& record,
                                              core::ByteView plain);

}  // namespace cairn::repo::store
