#include "store/objects/key_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>

#include "cairn/core/codec.h"
#include "cairn/repo/snapshot.h"
#include "format/fields.h"
#include "store/objects/seal.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSplitKeyBytes = 16;
constexpr std::uint32_t kFirstEpoch = 1;

bool holds_chunker_key(Role role) noexcept { return role == Role::admin || role == Role::backup; }
bool holds_sign_seed(Role role) noexcept { return role != Role::restore && role != Role::audit; }
bool holds_metadata_secret(Role role) noexcept { return role != Role::backup; }
bool holds_data_secret(Role role) noexcept { return role == Role::admin || role == Role::restore; }

core::SecretBytes random_key(core::Random& random) {
  core::SecretBytes key(kKeyBytes);
  random.fill(key.mutable_view());
  return key;
}

/// Adds a signing key to the bundle, certified with the admin's seed.
void add_sign_key(core::Random& random, const RepositoryId& repository, core::ByteView admin_seed,
                  core::Timestamp now, format::KeyBundle& bundle) {
  core::SignKeyPair pair = core::make_sign_key_pair(random);
  format::Certificate certificate;
  certificate.subject = pair.public_key;
  certificate.role = bundle.role;
  certificate.issued = now;
  certificate.signature =
      core::sign(admin_seed, format::certificate_message(repository, certificate));
  bundle.certificate = certificate;
  bundle.sign_seed = std::move(pair.seed);
}

format::EpochKeys reduced_to(Role role, const format::EpochKeys& all) {
  format::EpochKeys epoch;
  epoch.epoch = all.epoch;
  epoch.index_key = all.index_key.duplicate();
  epoch.metadata_public = all.metadata_public;
  epoch.data_public = all.data_public;
  if (holds_metadata_secret(role)) {
    epoch.metadata_secret = all.metadata_secret.duplicate();
  }
  if (holds_data_secret(role)) {
    epoch.data_secret = all.data_secret.duplicate();
  }
  return epoch;
}

/// What a slot's key derivations are bound to, besides the key.
core::Bytes slot_context(const format::KeySlot& slot) {
  core::Encoder context;
  format::encode_id(context, slot.salt);
  format::encode_id(context, slot.repository_id);
  return std::move(context).take();
}

format::Commitment slot_commitment(const format::KeySlot& slot, core::ByteView wrapping_key) {
  const core::SecretBytes commitment =
      core::derive_key(wrapping_key, "cairn slot commitment", slot_context(slot));
  return format::Commitment::from(commitment.view());
}

core::SecretBytes slot_bundle_key(const format::KeySlot& slot, core::ByteView wrapping_key) {
  return core::derive_key(wrapping_key, "cairn slot bundle", slot_context(slot));
}

/// The key that wraps the bundle: stretched from a passphrase, or the key file's bytes.
core::Result<core::SecretBytes> make_wrapping_key(const format::KeySlot& slot,
                                                  const Credentials& credentials) {
  if (slot.type == format::SlotType::key_file) {
    return credentials.secret.duplicate();
  }
  return core::derive_from_passphrase(credentials.secret.view(),
                                      slot.salt.view().first(core::kKdfSaltBytes), slot.kdf);
}

format::SlotType slot_type(const Credentials& credentials) noexcept {
  return credentials.type == Credentials::Type::key_file ? format::SlotType::key_file
                                                         : format::SlotType::passphrase;
}

bool has_right_size(const Credentials& credentials) noexcept {
  return credentials.type != Credentials::Type::key_file ||
         credentials.secret.size() == kKeyFileBytes;
}

bool is_pair(const core::SecretBytes& secret, const core::BoxPublicKey& public_key) {
  return secret.empty() || core::box_public_key(secret.view()) == public_key;
}

/// The decoder has checked which keys are there; this checks that they belong together.
bool keys_fit_together(const format::KeyBundle& bundle) {
  if (bundle.certificate.has_value() &&
      core::sign_public_key(bundle.sign_seed.view()) != bundle.certificate->subject) {
    return false;
  }
  return std::all_of(bundle.epochs.begin(), bundle.epochs.end(),
                     [](const format::EpochKeys& epoch) {
                       return is_pair(epoch.metadata_secret, epoch.metadata_public) &&
                              is_pair(epoch.data_secret, epoch.data_public);
                     });
}

core::Hash256 label_name(const format::KeySlot& slot) {
  return core::Hash256::from(slot.salt.view());
}

core::Status check_label(const format::SlotLabel& label) {
  for (const std::string* text : {&label.name, &label.host, &label.user}) {
    if (text->size() > kTextBytesMax) {
      return core::fail(ErrorCode::invalid_argument,
                        fmt::format("make a key: a name of {} bytes is too long (at most {})",
                                    text->size(), kTextBytesMax));
    }
  }
  return {};
}

}  // namespace

KeyRing::KeyRing(const format::Config& config, format::KeyBundle bundle)
    : repository_(config.repository_id),
      admin_key_(config.admin_key),
      bundle_(std::move(bundle)),
      data_ids_(core::derive_key(bundle_.id_key.view(), "cairn chunk data").view()),
      metadata_ids_(core::derive_key(bundle_.id_key.view(), "cairn chunk metadata").view()) {
  Expects(!bundle_.epochs.empty());
  if (!bundle_.chunker_key.empty()) {
    const core::SecretBytes key = core::derive_key(bundle_.chunker_key.view(), "cairn split");
    split_key_ = core::SecretBytes::copy_of(key.view().first(kSplitKeyBytes));
  }
}

core::Result<const format::EpochKeys*> KeyRing::epoch(std::uint32_t number) const {
  const auto found =
      std::find_if(bundle_.epochs.begin(), bundle_.epochs.end(),
                   [number](const format::EpochKeys& keys) { return keys.epoch == number; });
  if (found == bundle_.epochs.end()) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("look for the keys of epoch {}: this key has none", number));
  }
  return &*found;
}

const format::EpochKeys& KeyRing::newest_epoch() const noexcept { return bundle_.epochs.back(); }

bool KeyRing::can_read_metadata() const noexcept { return !newest_epoch().metadata_secret.empty(); }

bool KeyRing::can_read_data() const noexcept { return !newest_epoch().data_secret.empty(); }

bool KeyRing::can_write() const noexcept {
  return !bundle_.chunker_key.empty() && !bundle_.sign_seed.empty();
}

bool KeyRing::can_collect() const noexcept {
  return (role() == Role::admin || role() == Role::maintain) && !bundle_.sign_seed.empty();
}

ChunkId KeyRing::data_chunk_id(core::ByteView plaintext) const {
  return ChunkId::from(data_ids_.hash(plaintext).view());
}

ChunkId KeyRing::metadata_chunk_id(core::ByteView plaintext) const {
  return ChunkId::from(metadata_ids_.hash(plaintext).view());
}

std::vector<ChunkId> KeyRing::chunk_ids(format::BlockKind kind,
                                        std::span<const core::ByteView> plaintexts) const {
  const core::LaneHasher& hasher = kind == format::BlockKind::data ? data_ids_ : metadata_ids_;
  std::vector<core::Hash256> hashes(plaintexts.size());
  hasher.hash_many(plaintexts, hashes);
  std::vector<ChunkId> ids;
  ids.reserve(hashes.size());
  for (const core::Hash256& hash : hashes) {
    ids.push_back(ChunkId::from(hash.view()));
  }
  return ids;
}

core::ByteView KeyRing::chunker_key() const {
  Expects(can_write());
  return bundle_.chunker_key.view();
}

core::ByteView KeyRing::split_key() const {
  Expects(can_write());
  return split_key_.view();
}

bool KeyRing::is_certified(const format::Certificate& certificate) const {
  return core::verify_signature(admin_key_, format::certificate_message(repository_, certificate),
                                certificate.signature);
}

format::KeyBundle make_admin_bundle(core::Random& random, format::Config& config,
                                    core::Timestamp now) {
  Expects(!config.repository_id.is_zero());
  core::SignKeyPair admin = core::make_sign_key_pair(random);
  config.admin_key = admin.public_key;

  format::KeyBundle bundle;
  bundle.role = Role::admin;
  bundle.config_payload = format::encode_config(config);
  bundle.id_key = random_key(random);
  bundle.chunker_key = random_key(random);
  bundle.admin_seed = std::move(admin.seed);
  add_sign_key(random, config.repository_id, bundle.admin_seed.view(), now, bundle);

  core::BoxKeyPair metadata = core::make_box_key_pair(random);
  core::BoxKeyPair data = core::make_box_key_pair(random);
  format::EpochKeys epoch;
  epoch.epoch = kFirstEpoch;
  epoch.index_key = random_key(random);
  epoch.metadata_public = metadata.public_key;
  epoch.data_public = data.public_key;
  epoch.metadata_secret = std::move(metadata.secret_key);
  epoch.data_secret = std::move(data.secret_key);
  bundle.epochs.push_back(std::move(epoch));
  return bundle;
}

format::KeyBundle make_role_bundle(core::Random& random, const RepositoryId& repository,
                                   const format::KeyBundle& admin, Role role, core::Timestamp now) {
  Expects(admin.role == Role::admin && !admin.admin_seed.empty());
  format::KeyBundle bundle;
  bundle.role = role;
  bundle.config_payload = admin.config_payload;
  bundle.id_key = admin.id_key.duplicate();
  if (holds_chunker_key(role)) {
    bundle.chunker_key = admin.chunker_key.duplicate();
  }
  if (role == Role::admin) {
    bundle.admin_seed = admin.admin_seed.duplicate();
  }
  if (holds_sign_seed(role)) {
    add_sign_key(random, repository, admin.admin_seed.view(), now, bundle);
  }
  bundle.epochs.reserve(admin.epochs.size());
  for (const format::EpochKeys& epoch : admin.epochs) {
    bundle.epochs.push_back(reduced_to(role, epoch));
  }
  return bundle;
}

core::Result<format::KeySlot> seal_key_slot(core::Random& random, const RepositoryId& repository,
                                            const format::KeyBundle& bundle,
                                            const Credentials& credentials,
                                            const SlotRequest& request) {
  if (!has_right_size(credentials)) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("make a key: a key file has {} bytes, this one has {}",
                                  kKeyFileBytes, credentials.secret.size()));
  }
  CAIRN_TRY_STATUS(check_label(request.label));
  format::KeySlot slot;
  slot.type = slot_type(credentials);
  slot.repository_id = repository;
  slot.kdf = slot.type == format::SlotType::passphrase
                 ? request.kdf
                 : core::KdfParameters{.passes = 0, .memory_kib = 0};
  random.fill(slot.salt.mutable_view());
  CAIRN_TRY(const core::SecretBytes wrapping_key, make_wrapping_key(slot, credentials));
  slot.commitment = slot_commitment(slot, wrapping_key.view());

  format::SlotLabel label = request.label;
  label.role = bundle.role;
  CAIRN_TRY(const core::Bytes encoded_label, format::encode_slot_label(label));
  slot.sealed_label = seal_symmetric(repository, bundle.epochs.back(), random, Purpose::slot_label,
                                     label_name(slot), format::pad(encoded_label));

  const core::SecretBytes plaintext = format::encode_key_bundle(bundle);
  slot.sealed_bundle.resize(plaintext.size() + core::kAeadTagBytes);
  core::aead_seal(slot_bundle_key(slot, wrapping_key.view()).view(), 0,
                  format::encode_key_slot_header(slot), plaintext.view(), slot.sealed_bundle);
  return slot;
}

core::Result<std::optional<format::KeyBundle>> open_key_slot(const format::KeySlot& slot,
                                                             const Credentials& credentials) {
  if (slot.type != slot_type(credentials) || !has_right_size(credentials)) {
    return std::nullopt;
  }
  CAIRN_TRY(const core::SecretBytes wrapping_key, make_wrapping_key(slot, credentials));
  if (!core::equal_constant_time(slot_commitment(slot, wrapping_key.view()).view(),
                                 slot.commitment.view())) {
    return std::nullopt;
  }
  const auto damaged = [](std::string_view reason) {
    return core::fail(
        ErrorCode::corrupt,
        fmt::format("open a key slot: the passphrase or key file is right, but {}", reason),
        "use another key slot, or a copy of this one");
  };
  if (slot.sealed_bundle.size() < core::kAeadTagBytes) {
    return damaged("the keys are cut off");
  }
  core::SecretBytes plaintext(slot.sealed_bundle.size() - core::kAeadTagBytes);
  if (!core::aead_open(slot_bundle_key(slot, wrapping_key.view()).view(), 0,
                       format::encode_key_slot_header(slot), slot.sealed_bundle,
                       plaintext.mutable_view())) {
    return damaged("the keys are damaged or forged");
  }
  CAIRN_TRY_CONTEXT(format::KeyBundle bundle, "open a key slot",
                    format::decode_key_bundle(plaintext.view()));
  if (!keys_fit_together(bundle)) {
    return damaged("the keys do not belong together");
  }
  return std::optional<format::KeyBundle>(std::move(bundle));
}

core::Result<format::SlotLabel> open_slot_label(const KeyRing& keys, const format::KeySlot& slot) {
  CAIRN_TRY(const core::Bytes padded,
            open_symmetric(keys, Purpose::slot_label, label_name(slot), slot.sealed_label));
  CAIRN_TRY(const core::ByteView plaintext, format::unpad(padded));
  return format::decode_slot_label(plaintext);
}

}  // namespace cairn::repo::store
