#include "store/objects/seal.h"

#include <fmt/format.h>

#include <gsl/assert>
#include <string_view>

#include "cairn/core/codec.h"
#include "format/fields.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;

/// Thanks to its random salt, every key here seals one ciphertext, or numbers its blocks.
constexpr std::uint64_t kOnlyNonce = 0;

format::Salt random_salt(core::Random& random) {
  format::Salt salt;
  random.fill(salt.mutable_view());
  return salt;
}

core::Bytes seal_once(core::ByteView key, core::ByteView associated_data,
                      core::ByteView plaintext) {
  core::Bytes sealed;
  sealed.resize(plaintext.size() + core::kAeadTagBytes);
  core::aead_seal(key, kOnlyNonce, associated_data, plaintext, sealed);
  return sealed;
}

core::Result<core::Bytes> open_once(core::ByteView key, core::ByteView associated_data,
                                    core::ByteView sealed, std::string_view what) {
  core::Bytes plaintext;
  if (sealed.size() >= core::kAeadTagBytes) {
    plaintext.resize(sealed.size() - core::kAeadTagBytes);
    if (core::aead_open(key, kOnlyNonce, associated_data, sealed, plaintext)) {
      return plaintext;
    }
  }
  return core::fail(ErrorCode::corrupt,
                    fmt::format("{}: it is damaged, forged, or belongs elsewhere", what));
}

// --- Symmetric envelopes ---

core::SecretBytes symmetric_key(const format::EpochKeys& epoch, const format::Salt& salt,
                                Purpose purpose) {
  core::Encoder context;
  format::encode_id(context, salt);
  context.u8(static_cast<std::uint8_t>(purpose));
  return core::derive_key(epoch.index_key.view(), "cairn symmetric", context.view());
}

core::Bytes symmetric_associated_data(const RepositoryId& repository, Purpose purpose,
                                      const core::Hash256& name) {
  core::Encoder out;
  format::encode_id(out, repository);
  out.u8(static_cast<std::uint8_t>(purpose));
  format::encode_id(out, name);
  return std::move(out).take();
}

std::string_view action_of(Purpose purpose) noexcept {
  switch (purpose) {
    case Purpose::index:
      return "open an index segment";
    case Purpose::session:
      return "open a session";
    case Purpose::link:
      return "open a snapshot's link";
    case Purpose::tombstone:
      return "open a tombstone";
    case Purpose::condemned:
      return "open a condemned record";
    case Purpose::slot_label:
      return "open a key slot's label";
    case Purpose::mark:
      return "open a mark";
    case Purpose::settings:
      return "open settings";
  }
  return "open an envelope";
}

// --- Public-key envelopes and packs ---

Recipient recipient_of(format::BlockKind kind) noexcept {
  return kind == format::BlockKind::data ? Recipient::data : Recipient::metadata;
}

const core::BoxPublicKey& public_key(const format::EpochKeys& epoch, Recipient recipient) {
  return recipient == Recipient::data ? epoch.data_public : epoch.metadata_public;
}

const core::SecretBytes& secret_key(const format::EpochKeys& epoch, Recipient recipient) {
  return recipient == Recipient::data ? epoch.data_secret : epoch.metadata_secret;
}

/// The key of one object, and what is derived from it.
struct ObjectKey {
  core::SecretBytes cipher_key;
  format::Commitment commitment;
};

ObjectKey make_object_key(const RepositoryId& repository, const format::KeyRecord& record,
                          const core::BoxPublicKey& recipient_public, core::ByteView shared) {
  core::Encoder context;
  format::encode_id(context, record.salt);
  format::encode_id(context, record.ephemeral);
  format::encode_id(context, recipient_public);
  format::encode_id(context, repository);
  const core::SecretBytes key = core::derive_key(shared, "cairn object", context.view());
  const core::SecretBytes commitment = core::derive_key(key.view(), "cairn commitment");
  return {.cipher_key = core::derive_key(key.view(), "cairn cipher"),
          .commitment = format::Commitment::from(commitment.view())};
}

struct NewObjectKey {
  format::KeyRecord record;
  ObjectKey key;
};

core::Result<NewObjectKey> make_new_object_key(const KeyRing& keys, core::Random& random,
                                               Recipient recipient) {
  const format::EpochKeys& epoch = keys.newest_epoch();
  const core::BoxPublicKey& to = public_key(epoch, recipient);
  const core::BoxKeyPair ephemeral = core::make_box_key_pair(random);
  CAIRN_TRY(const core::SecretBytes shared,
            core::box_shared_secret(ephemeral.secret_key.view(), to));
  NewObjectKey made;
  made.record = {
      .epoch = epoch.epoch, .salt = random_salt(random), .ephemeral = ephemeral.public_key};
  made.key = make_object_key(keys.repository(), made.record, to, shared.view());
  return made;
}

core::Result<core::SecretBytes> open_object_key(const KeyRing& keys, Recipient recipient,
                                                const format::KeyRecord& record,
                                                const format::Commitment* commitment) {
  CAIRN_TRY(const format::EpochKeys* const epoch, keys.epoch(record.epoch));
  const core::SecretBytes& secret = secret_key(*epoch, recipient);
  if (secret.empty()) {
    const std::string_view what =
        recipient == Recipient::data ? "the contents of files" : "the metadata of files";
    return core::fail(ErrorCode::not_permitted, fmt::format("open a pack: a key of role {} cannot "
                                                            "read {}",
                                                            repo::to_string(keys.role()), what));
  }
  CAIRN_TRY(const core::SecretBytes shared,
            core::box_shared_secret(secret.view(), record.ephemeral));
  ObjectKey key =
      make_object_key(keys.repository(), record, public_key(*epoch, recipient), shared.view());
  if (commitment != nullptr &&
      !core::equal_constant_time(key.commitment.view(), commitment->view())) {
    return core::fail(ErrorCode::corrupt, "open an object's key: its header is damaged or forged");
  }
  return std::move(key.cipher_key);
}

core::Bytes manifest_associated_data(const RepositoryId& repository, const SnapshotId& id) {
  core::Encoder out;
  out.raw(core::as_view("cairn envelope v1"));
  format::encode_id(out, repository);
  out.u8(static_cast<std::uint8_t>(format::ObjectKind::snapshot));
  format::encode_id(out, id);
  return std::move(out).take();
}

core::Bytes directory_associated_data(const RepositoryId& repository,
                                      const format::PackHeader& header) {
  core::Encoder out;
  out.raw(core::as_view("cairn directory v1"));
  format::encode_id(out, repository);
  out.raw(format::encode_pack_header(header));
  return std::move(out).take();
}

core::SecretBytes directory_key(const format::EpochKeys& epoch, const format::PackHeader& header) {
  return core::derive_key(epoch.index_key.view(), "cairn pack directory", header.salt.view());
}

}  // namespace

core::Bytes seal_symmetric(const RepositoryId& repository, const format::EpochKeys& epoch,
                           core::Random& random, Purpose purpose, const core::Hash256& name,
                           core::ByteView plaintext) {
  const format::Salt salt = random_salt(random);
  const core::SecretBytes key = symmetric_key(epoch, salt, purpose);
  const core::Bytes ciphertext =
      seal_once(key.view(), symmetric_associated_data(repository, purpose, name), plaintext);
  return format::encode_symmetric_envelope(
      {.epoch = epoch.epoch, .salt = salt, .ciphertext = ciphertext});
}

core::Bytes seal_symmetric(const KeyRing& keys, core::Random& random, Purpose purpose,
                           const core::Hash256& name, core::ByteView plaintext) {
  return seal_symmetric(keys.repository(), keys.newest_epoch(), random, purpose, name, plaintext);
}

core::Result<core::Bytes> open_symmetric(const KeyRing& keys, Purpose purpose,
                                         const core::Hash256& name, core::ByteView envelope) {
  CAIRN_TRY(const format::SymmetricEnvelope parts, format::decode_symmetric_envelope(envelope));
  CAIRN_TRY(const format::EpochKeys* const epoch, keys.epoch(parts.epoch));
  const core::SecretBytes key = symmetric_key(*epoch, parts.salt, purpose);
  return open_once(key.view(), symmetric_associated_data(keys.repository(), purpose, name),
                   parts.ciphertext, action_of(purpose));
}

core::Result<core::Bytes> seal_manifest(const KeyRing& keys, core::Random& random,
                                        const SnapshotId& id, core::ByteView plaintext) {
  CAIRN_TRY(const NewObjectKey made, make_new_object_key(keys, random, Recipient::metadata));
  const core::Bytes ciphertext = seal_once(
      made.key.cipher_key.view(), manifest_associated_data(keys.repository(), id), plaintext);
  return format::encode_public_envelope({.epoch = made.record.epoch,
                                         .salt = made.record.salt,
                                         .ephemeral = made.record.ephemeral,
                                         .commitment = made.key.commitment,
                                         .ciphertext = ciphertext});
}

core::Result<core::Bytes> open_manifest(const KeyRing& keys, const SnapshotId& id,
                                        core::ByteView envelope) {
  CAIRN_TRY(const format::PublicEnvelope parts, format::decode_public_envelope(envelope));
  const format::KeyRecord record{
      .epoch = parts.epoch, .salt = parts.salt, .ephemeral = parts.ephemeral};
  CAIRN_TRY(const core::SecretBytes key,
            open_object_key(keys, Recipient::metadata, record, &parts.commitment));
  return open_once(key.view(), manifest_associated_data(keys.repository(), id), parts.ciphertext,
                   "open a snapshot's manifest");
}

core::Result<PackSeal> make_pack_seal(const KeyRing& keys, core::Random& random,
                                      format::BlockKind kind) {
  CAIRN_TRY(NewObjectKey made, make_new_object_key(keys, random, recipient_of(kind)));
  PackSeal seal;
  seal.header = {.kind = kind,
                 .epoch = made.record.epoch,
                 .salt = made.record.salt,
                 .ephemeral = made.record.ephemeral,
                 .commitment = made.key.commitment};
  seal.cipher_key = std::move(made.key.cipher_key);
  return seal;
}

core::Result<core::SecretBytes> open_pack_key(const KeyRing& keys, format::BlockKind kind,
                                              const format::KeyRecord& record,
                                              const format::Commitment* commitment) {
  return open_object_key(keys, recipient_of(kind), record, commitment);
}

void seal_block(const RepositoryId& repository, format::BlockKind kind,
                const format::KeyRecord& key, const format::BlockRecord& block,
                core::ByteView cipher_key, core::ByteView payload, core::Bytes& out) {
  Expects(block.stored_bytes == payload.size() + core::kAeadTagBytes);
  const std::size_t start = out.size();
  out.resize(start + block.stored_bytes);
  core::aead_seal(cipher_key, block.key_block,
                  format::block_associated_data(repository, kind, key, block), payload,
                  core::MutableByteView(out).subspan(start));
}

bool open_block(const RepositoryId& repository, format::BlockKind kind,
                const format::KeyRecord& key, const format::BlockRecord& block,
                core::ByteView cipher_key, core::ByteView sealed, core::Bytes& out) {
  if (sealed.size() != block.stored_bytes || sealed.size() < core::kAeadTagBytes) {
    return false;
  }
  out.resize(sealed.size() - core::kAeadTagBytes);
  return core::aead_open(cipher_key, block.key_block,
                         format::block_associated_data(repository, kind, key, block), sealed, out);
}

core::Bytes seal_directory(const KeyRing& keys, const format::PackHeader& header,
                           core::ByteView plaintext) {
  const core::SecretBytes key = directory_key(keys.newest_epoch(), header);
  Expects(header.epoch == keys.newest_epoch().epoch);
  return seal_once(key.view(), directory_associated_data(keys.repository(), header), plaintext);
}

core::Result<core::Bytes> open_directory(const KeyRing& keys, const format::PackHeader& header,
                                         core::ByteView sealed) {
  CAIRN_TRY(const format::EpochKeys* const epoch, keys.epoch(header.epoch));
  const core::SecretBytes key = directory_key(*epoch, header);
  return open_once(key.view(), directory_associated_data(keys.repository(), header), sealed,
                   "open the directory");
}

}  // namespace cairn::repo::store
