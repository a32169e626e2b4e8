#include <algorithm>
#include <array>
#include <gsl/assert>

#include "format/config.h"
#include "format/fields.h"
#include "format/key_slot.h"

namespace cairn::repo::format {
namespace {

constexpr std::uint8_t kBundleVersion = 1;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kEpochBytesMin = 4 + 3 * kKeyBytes + 1;

// Presence bits of the bundle and of an epoch.
constexpr std::uint8_t kHasChunkerKey = 1;
constexpr std::uint8_t kHasSignSeed = 2;
constexpr std::uint8_t kHasAdminSeed = 4;
constexpr std::uint8_t kHasMetadataSecret = 1;
constexpr std::uint8_t kHasDataSecret = 2;

/// What each role holds: the one table that says what a key can do.
struct Holding {
  Role role;
  std::uint8_t keys;        ///< kHasChunkerKey, kHasSignSeed, kHasAdminSeed
  std::uint8_t epoch_keys;  ///< kHasMetadataSecret, kHasDataSecret
};
constexpr std::array kHoldings{
    Holding{Role::admin, kHasChunkerKey | kHasSignSeed | kHasAdminSeed,
            kHasMetadataSecret | kHasDataSecret},
    Holding{Role::backup, kHasChunkerKey | kHasSignSeed, 0},
    Holding{Role::restore, 0, kHasMetadataSecret | kHasDataSecret},
    Holding{Role::maintain, kHasSignSeed, kHasMetadataSecret},
    Holding{Role::audit, 0, kHasMetadataSecret},
};

const Holding* holding_of(Role role) noexcept {
  const auto* const found = std::find_if(kHoldings.begin(), kHoldings.end(),
                                         [role](const Holding& h) { return h.role == role; });
  return found == kHoldings.end() ? nullptr : found;
}

std::uint8_t presence(std::uint8_t bit, const core::SecretBytes& key) noexcept {
  return key.empty() ? std::uint8_t{0} : bit;
}

std::uint8_t keys_of(const KeyBundle& bundle) noexcept {
  return static_cast<std::uint8_t>(presence(kHasChunkerKey, bundle.chunker_key) |
                                   presence(kHasSignSeed, bundle.sign_seed) |
                                   presence(kHasAdminSeed, bundle.admin_seed));
}

std::uint8_t keys_of(const EpochKeys& epoch) noexcept {
  return static_cast<std::uint8_t>(presence(kHasMetadataSecret, epoch.metadata_secret) |
                                   presence(kHasDataSecret, epoch.data_secret));
}

bool is_key(const core::SecretBytes& key) noexcept { return key.size() == kKeyBytes; }
bool is_key_or_absent(const core::SecretBytes& key) noexcept { return key.empty() || is_key(key); }

bool sizes_are_right(const EpochKeys& epoch) noexcept {
  return is_key(epoch.index_key) && is_key_or_absent(epoch.metadata_secret) &&
         is_key_or_absent(epoch.data_secret);
}

std::string_view defect_of(const KeyBundle& bundle) {
  const Holding* const holding = holding_of(bundle.role);
  if (holding == nullptr) {
    return "unknown role";
  }
  if (!is_key(bundle.id_key) || !is_key_or_absent(bundle.chunker_key) ||
      !is_key_or_absent(bundle.sign_seed) || !is_key_or_absent(bundle.admin_seed) ||
      !std::all_of(bundle.epochs.begin(), bundle.epochs.end(), sizes_are_right)) {
    return "a key has not 32 bytes";
  }
  if (bundle.config_payload.empty() || bundle.config_payload.size() > kConfigBytesMax) {
    return "the copy of the config has a wrong size";
  }
  if (keys_of(bundle) != holding->keys) {
    return "the keys are not those of the role";
  }
  if (bundle.certificate.has_value() != !bundle.sign_seed.empty()) {
    return "a certificate belongs to a signing key";
  }
  if (bundle.certificate.has_value() && bundle.certificate->role != bundle.role) {
    return "the certificate is for another role";
  }
  if (bundle.epochs.empty() || bundle.epochs.size() > kKeyEpochsMax) {
    return "the number of epochs is wrong";
  }
  if (!std::all_of(bundle.epochs.begin(), bundle.epochs.end(), [holding](const EpochKeys& epoch) {
        return keys_of(epoch) == holding->epoch_keys;
      })) {
    return "the keys of an epoch are not those of the role";
  }
  const auto unordered =
      std::adjacent_find(bundle.epochs.begin(), bundle.epochs.end(),
                         [](const EpochKeys& a, const EpochKeys& b) { return a.epoch >= b.epoch; });
  return unordered == bundle.epochs.end() ? "" : "the epochs do not ascend";
}

core::SecretBytes decode_key(core::Decoder& in) {
  return core::SecretBytes::copy_of(in.raw(kKeyBytes));
}

core::SecretBytes decode_key_if(core::Decoder& in, std::uint8_t present, std::uint8_t bit) {
  return (present & bit) != 0 ? decode_key(in) : core::SecretBytes();
}

/// A byte of presence bits; all others are zero.
std::uint8_t decode_presence(core::Decoder& in, std::uint8_t known) {
  const std::uint8_t present = in.u8();
  if ((present & ~known) != 0) {
    in.fail_corrupt("reserved bits are not zero");
  }
  return present;
}

void encode_epoch(core::Encoder& out, const EpochKeys& epoch) {
  out.u32(epoch.epoch);
  out.raw(epoch.index_key.view());
  encode_id(out, epoch.metadata_public);
  encode_id(out, epoch.data_public);
  out.u8(keys_of(epoch));
  out.raw(epoch.metadata_secret.view());
  out.raw(epoch.data_secret.view());
}

EpochKeys decode_epoch(core::Decoder& in) {
  EpochKeys epoch;
  epoch.epoch = in.u32();
  epoch.index_key = decode_key(in);
  epoch.metadata_public = decode_id<core::BoxPublicKey>(in);
  epoch.data_public = decode_id<core::BoxPublicKey>(in);
  const std::uint8_t present = decode_presence(in, kHasMetadataSecret | kHasDataSecret);
  epoch.metadata_secret = decode_key_if(in, present, kHasMetadataSecret);
  epoch.data_secret = decode_key_if(in, present, kHasDataSecret);
  return epoch;
}

/// More than any encoding takes, so that the buffer never grows and leaves no copy of a key behind.
std::size_t size_bound(const KeyBundle& bundle) noexcept {
  constexpr std::size_t kFixedBound = 512;  // keys, certificate, lengths
  return kFixedBound + bundle.config_payload.size() +
         bundle.epochs.size() * (kEpochBytesMin + 2 * kKeyBytes);
}
static_assert(512 + kConfigBytesMax + kKeyEpochsMax * (kEpochBytesMin + 2 * kKeyBytes) <=
              kKeyBundleBytesMax);

}  // namespace

core::SecretBytes encode_key_bundle(const KeyBundle& bundle) {
  Expects(defect_of(bundle).empty());
  core::Bytes buffer;
  buffer.reserve(size_bound(bundle));
  const std::size_t capacity = buffer.capacity();
  core::Encoder out(std::move(buffer));
  out.u8(kBundleVersion);
  out.u8(static_cast<std::uint8_t>(bundle.role));
  out.bytes(bundle.config_payload);
  out.raw(bundle.id_key.view());
  out.u8(keys_of(bundle));
  out.raw(bundle.chunker_key.view());
  out.raw(bundle.sign_seed.view());
  out.raw(bundle.admin_seed.view());
  if (bundle.certificate.has_value()) {
    encode_certificate(out, *bundle.certificate);
  }
  out.varint(bundle.epochs.size());
  for (const EpochKeys& epoch : bundle.epochs) {
    encode_epoch(out, epoch);
  }
  core::Bytes plain = std::move(out).take();
  Ensures(plain.capacity() == capacity);
  core::SecretBytes secret = core::SecretBytes::copy_of(plain);
  core::wipe(plain);
  return secret;
}

core::Result<KeyBundle> decode_key_bundle(core::ByteView input) {
  core::Decoder in(input, "key bundle");
  if (input.size() > kKeyBundleBytesMax) {
    in.fail_limit("it is too long");
  }
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kBundleVersion) {
    in.fail_unsupported("its version is not known to this program");
  }
  KeyBundle bundle;
  bundle.role = decode_role(in);
  bundle.config_payload = core::to_bytes(in.bytes(kConfigBytesMax));
  bundle.id_key = decode_key(in);
  const std::uint8_t present = decode_presence(in, kHasChunkerKey | kHasSignSeed | kHasAdminSeed);
  bundle.chunker_key = decode_key_if(in, present, kHasChunkerKey);
  bundle.sign_seed = decode_key_if(in, present, kHasSignSeed);
  bundle.admin_seed = decode_key_if(in, present, kHasAdminSeed);
  if ((present & kHasSignSeed) != 0) {
    bundle.certificate = decode_certificate(in);
  }
  const std::size_t epochs = in.count(kKeyEpochsMax, kEpochBytesMin);
  bundle.epochs.reserve(epochs);
  for (std::size_t i = 0; i < epochs && in.ok(); ++i) {
    bundle.epochs.push_back(decode_epoch(in));
  }
  if (in.ok()) {
    if (const std::string_view defect = defect_of(bundle); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return bundle;
}

}  // namespace cairn::repo::format
