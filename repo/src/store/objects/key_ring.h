#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/core/crypto.h"
#include "cairn/core/hash_lanes.h"
#include "cairn/core/result.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/roles.h"
#include "format/config.h"
#include "format/key_slot.h"
#include "format/pack.h"

namespace cairn::repo::store {

/// Which of the two public-key pairs an object is sealed to.
enum class Recipient : std::uint8_t { data = 1, metadata = 2 };

/// The keys of an open repository, and what is derived from them once. Immutable, thread-safe.
class KeyRing {
 public:
  KeyRing(const format::Config& config, format::KeyBundle bundle);

  [[nodiscard]] const RepositoryId& repository() const noexcept { return repository_; }
  [[nodiscard]] const format::KeyBundle& bundle() const noexcept { return bundle_; }
  [[nodiscard]] Role role() const noexcept { return bundle_.role; }
  [[nodiscard]] const core::SignPublicKey& admin_key() const noexcept { return admin_key_; }

  /// Keys of an epoch; corrupt if this role's bundle knows no such epoch.
  [[nodiscard]] core::Result<const format::EpochKeys*> epoch(std::uint32_t number) const;
  [[nodiscard]] const format::EpochKeys& newest_epoch() const noexcept;

  [[nodiscard]] bool can_read_metadata() const noexcept;
  [[nodiscard]] bool can_read_data() const noexcept;
  [[nodiscard]] bool can_write() const noexcept;  ///< chunker key and a signing key
  /// May sign records that remove something: fences, tombstones, condemned records.
  [[nodiscard]] bool can_collect() const noexcept;

  /// Ids of chunks: file contents and nodes have their own key each, so that neither can be
  /// passed off as the other.
  [[nodiscard]] ChunkId data_chunk_id(core::ByteView plaintext) const;
  [[nodiscard]] ChunkId metadata_chunk_id(core::ByteView plaintext) const;
  [[nodiscard]] ChunkId chunk_id(format::BlockKind kind, core::ByteView plaintext) const {
    return kind == format::BlockKind::data ? data_chunk_id(plaintext)
                                           : metadata_chunk_id(plaintext);
  }
  /// The id of each, in order. Hashes several at once if the processor can, so it is faster to ask
  /// for many together.
  [[nodiscard]] std::vector<ChunkId> chunk_ids(format::BlockKind kind,
                                               std::span<const core::ByteView> plaintexts) const;

  /// Requires can_write().
  [[nodiscard]] core::ByteView chunker_key() const;
  /// 16 bytes for core::short_hash: where folder nodes are split. Requires can_write().
  [[nodiscard]] core::ByteView split_key() const;

  /// True if the admin signed the certificate and the signature is right.
  [[nodiscard]] bool is_certified(const format::Certificate& certificate) const;

 private:
  RepositoryId repository_;
  core::SignPublicKey admin_key_;
  format::KeyBundle bundle_;
  core::LaneHasher data_ids_;
  core::LaneHasher metadata_ids_;
  core::SecretBytes split_key_;
};

/// Fresh keys for a new repository: admin bundle. `config` gets the admin's public key.
[[nodiscard]] format::KeyBundle make_admin_bundle(core::Random& random, format::Config& config,
                                                  core::Timestamp now);
/// A bundle for a role with just the keys that the role may hold. Requires an admin bundle.
[[nodiscard]] format::KeyBundle make_role_bundle(core::Random& random,
                                                 const RepositoryId& repository,
                                                 const format::KeyBundle& admin, Role role,
                                                 core::Timestamp now);

struct SlotRequest {
  format::SlotLabel label;  ///< its role is taken from the bundle
  core::KdfParameters kdf;  ///< for a passphrase
};
/// Seals a bundle under credentials. The result is the payload of the slot's twin. Errors:
/// limit_exceeded and io (key stretching), invalid_argument (a key file of a wrong size, a label
/// that is too long).
[[nodiscard]] core::Result<format::KeySlot> seal_key_slot(core::Random& random,
                                                          const RepositoryId& repository,
                                                          const format::KeyBundle& bundle,
                                                          const Credentials& credentials,
                                                          const SlotRequest& request);
/// nullopt if these are not this slot's credentials, which the commitment decides. corrupt if they
/// are, but the bundle cannot be opened.
[[nodiscard]] core::Result<std::optional<format::KeyBundle>> open_key_slot(
    const format::KeySlot& slot, const Credentials& credentials);
/// Whose slot it is, for any holder of the index key. corrupt if the label was damaged, forged or
/// taken from another slot.
[[nodiscard]] core::Result<format::SlotLabel> open_slot_label(const KeyRing& keys,
                                                              const format::KeySlot& slot);

}  // namespace cairn::repo::store
