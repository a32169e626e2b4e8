#pragma once

#include <cstdint>
#include <optional>

#include "cairn/core/bytes.h"
#include "cairn/core/random.h"
#include "cairn/core/result.h"
#include "format/pack.h"
#include "store/objects/key_ring.h"
#include "store/objects/seal.h"

namespace cairn::repo::store {

/// A block as it will be in a pack.
struct SealedBlock {
  format::BlockKind kind = format::BlockKind::data;
  format::BlockRecord record;  ///< all but `key`, which the pack sets
  format::KeyRecord key;
  core::Bytes bytes;  ///< ciphertext and tag
};

/// Seals blocks before it is known which pack they will be in, so that each thread can seal what it
/// has made. Uses keys of its own, a new one for each pack's worth of bytes, so that a key opens no
/// more than it would if packs had a key each. Not thread-safe.
class BlockSealer {
 public:
  /// Bytes sealed under one key, not counting the excess of the last block.
  static constexpr std::uint64_t kKeyBytes = std::uint64_t{32} * 1024 * 1024;

  /// All must outlive it.
  BlockSealer(const KeyRing& keys, core::Random& random, format::BlockKind kind)
      : keys_(keys), random_(random), kind_(kind) {}

  /// `payload` is the content of the block after compression; codec, plain_bytes and chunks of
  /// `record` must be set. The block's bytes are written into `memory`, replacing what it holds.
  /// Errors: those of make_pack_seal().
  [[nodiscard]] core::Result<SealedBlock> seal(format::BlockRecord record, core::ByteView payload,
                                               core::Bytes memory = {});

 private:
  const KeyRing& keys_;
  core::Random& random_;
  const format::BlockKind kind_;
  std::optional<PackSeal> seal_;
  format::KeyRecord key_;
  std::uint32_t blocks_ = 0;  ///< under this key
  std::uint64_t bytes_ = 0;
};

}  // namespace cairn::repo::store
