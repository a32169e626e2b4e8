#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/core/codec.h"
#include "cairn/core/crypto.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/roles.h"
#include "format/sealed.h"

namespace cairn::repo::format {

/// The admin's signed statement that a signing key belongs to a role. Every signed record contains
/// one, so that it can be checked by itself against the config's admin key.
struct Certificate {
  core::SignPublicKey subject;
  Role role = Role::admin;
  core::Timestamp issued;
  core::Signature signature;  ///< by the admin key over certificate_message()

  friend bool operator==(const Certificate&, const Certificate&) = default;
};
void encode_certificate(core::Encoder& out, const Certificate& certificate);
[[nodiscard]] Certificate decode_certificate(core::Decoder& in);
/// What the admin signs: a label, the repository's id, and every field but the signature.
[[nodiscard]] core::Bytes certificate_message(const RepositoryId& repository,
                                              const Certificate& certificate);

/// The keys of one epoch that a role holds.
struct EpochKeys {
  std::uint32_t epoch = 1;
  core::SecretBytes index_key;  ///< 32 bytes; every role
  core::BoxPublicKey metadata_public;
  core::BoxPublicKey data_public;
  core::SecretBytes metadata_secret;  ///< empty, or 32 bytes: admin, restore, maintain, audit
  core::SecretBytes data_secret;      ///< empty, or 32 bytes: admin, restore
};

/// What a key slot protects: all keys of one role.
struct KeyBundle {
  Role role = Role::admin;
  core::Bytes config_payload;              ///< copy of the config record, byte for byte
  core::SecretBytes id_key;                ///< 32 bytes; every role: names chunks
  core::SecretBytes chunker_key;           ///< empty, or 32 bytes: admin, backup
  core::SecretBytes sign_seed;             ///< empty, or 32 bytes: every role but restore and audit
  core::SecretBytes admin_seed;            ///< empty, or 32 bytes: admin
  std::optional<Certificate> certificate;  ///< present exactly if sign_seed is
  std::vector<EpochKeys> epochs;           ///< at least one, ascending; the last is for writing
};
inline constexpr std::size_t kKeyEpochsMax = 1024;
inline constexpr std::size_t kKeyBundleBytesMax = 256 * 1024;

/// The result is secret: a SecretBytes.
[[nodiscard]] core::SecretBytes encode_key_bundle(const KeyBundle& bundle);
[[nodiscard]] core::Result<KeyBundle> decode_key_bundle(core::ByteView input);

/// Whose slot it is. Sealed under the index key, so that `key list` works with any key.
struct SlotLabel {
  Role role = Role::admin;
  std::string name;  ///< what the user called it
  std::string host;
  std::string user;
  core::Timestamp created;

  friend bool operator==(const SlotLabel&, const SlotLabel&) = default;
};
[[nodiscard]] core::Result<core::Bytes> encode_slot_label(const SlotLabel& label);
[[nodiscard]] core::Result<SlotLabel> decode_slot_label(core::ByteView input);

enum class SlotType : std::uint8_t {
  key_file = 0,    ///< 32 random bytes, no stretching
  passphrase = 1,  ///< Argon2id
};

/// The plaintext part of a key slot and its two ciphertexts.
struct KeySlot {
  SlotType type = SlotType::passphrase;
  RepositoryId repository_id;
  core::KdfParameters kdf;    ///< zeros for a key file
  Salt salt;                  ///< its first 16 bytes are Argon2id's salt
  Commitment commitment;      ///< to the key-encryption key: checked before anything is opened
  core::Bytes sealed_label;   ///< symmetric envelope, AEAD under the index key
  core::Bytes sealed_bundle;  ///< ciphertext under the key-encryption key

  friend bool operator==(const KeySlot&, const KeySlot&) = default;
};
inline constexpr std::size_t kSealedLabelBytesMax = 16 * 1024;

/// The slot up to, but not including, sealed_bundle: the bundle's associated data.
[[nodiscard]] core::Bytes encode_key_slot_header(const KeySlot& slot);
[[nodiscard]] core::Bytes encode_key_slot(const KeySlot& slot);
[[nodiscard]] core::Result<KeySlot> decode_key_slot(core::ByteView payload);

}  // namespace cairn::repo::format
