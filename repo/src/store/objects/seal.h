#pragma once

#include <cstdint>
#include <memory>

#include "cairn/core/crypto.h"
#include "cairn/core/random.h"
#include "cairn/core/result.h"
#include "format/pack.h"
#include "format/sealed.h"
#include "store/backend/backend.h"
#include "store/objects/key_ring.h"

/// Turns records into ciphertext and back: which key, which nonce, which associated data.
/// docs/FORMAT.md, "Keys" and "Envelopes". Pure except for the randomness passed in; thread-safe.
namespace cairn::repo::store {

/// What a symmetric envelope is for: one key per purpose.
enum class Purpose : std::uint8_t {
  index = 1,
  session = 2,
  link = 3,
  tombstone = 4,
  condemned = 5,
  slot_label = 6,
  mark = 7,
  settings = 8,
};

/// Seals under the index key of the newest epoch. `name` is the object's id if it is known before
/// the content (sessions, snapshots, tombstones), else zero.
[[nodiscard]] core::Bytes seal_symmetric(const KeyRing& keys, core::Random& random, Purpose purpose,
                                         const core::Hash256& name, core::ByteView plaintext);
/// As above, for a bundle that has no key ring yet (the labels of new key slots).
[[nodiscard]] core::Bytes seal_symmetric(const RepositoryId& repository,
                                         const format::EpochKeys& epoch, core::Random& random,
                                         Purpose purpose, const core::Hash256& name,
                                         core::ByteView plaintext);
/// corrupt if it was not sealed for this purpose and name in this repository.
[[nodiscard]] core::Result<core::Bytes> open_symmetric(const KeyRing& keys, Purpose purpose,
                                                       const core::Hash256& name,
                                                       core::ByteView envelope);

/// Seals to the metadata public key, so a writer that holds only public keys can do it.
[[nodiscard]] core::Result<core::Bytes> seal_manifest(const KeyRing& keys, core::Random& random,
                                                      const SnapshotId& id,
                                                      core::ByteView plaintext);
[[nodiscard]] core::Result<core::Bytes> open_manifest(const KeyRing& keys, const SnapshotId& id,
                                                      core::ByteView envelope);

/// A key for blocks of packs, made for writing: ephemeral X25519 against the role's public key.
struct PackSeal {
  format::PackHeader header;
  core::SecretBytes cipher_key;
};
[[nodiscard]] core::Result<PackSeal> make_pack_seal(const KeyRing& keys, core::Random& random,
                                                    format::BlockKind kind);

/// The cipher key that a key record stands for. not_permitted if this role lacks the secret key,
/// corrupt if the record does not match `commitment` (nullptr if there is none).
[[nodiscard]] core::Result<core::SecretBytes> open_pack_key(const KeyRing& keys,
                                                            format::BlockKind kind,
                                                            const format::KeyRecord& record,
                                                            const format::Commitment* commitment);

/// Appends one sealed block (ciphertext and tag) to `out`.
void seal_block(const RepositoryId& repository, format::BlockKind kind,
                const format::KeyRecord& key, const format::BlockRecord& block,
                core::ByteView cipher_key, core::ByteView payload, core::Bytes& out);
/// False if it was not sealed with this key as this block. `out` is resized to the payload, which
/// is still compressed if the block's codec says so.
[[nodiscard]] bool open_block(const RepositoryId& repository, format::BlockKind kind,
                              const format::KeyRecord& key, const format::BlockRecord& block,
                              core::ByteView cipher_key, core::ByteView sealed, core::Bytes& out);

[[nodiscard]] core::Bytes seal_directory(const KeyRing& keys, const format::PackHeader& header,
                                         core::ByteView plaintext);
[[nodiscard]] core::Result<core::Bytes> open_directory(const KeyRing& keys,
                                                       const format::PackHeader& header,
                                                       core::ByteView sealed);

}  // namespace cairn::repo::store
