#include <sodium.h>

#include <gsl/assert>

#include "cairn/core/crypto.h"
#include "crypto_aead.h"

namespace cairn::core {
namespace {

constexpr std::size_t kHashKeyBytes = 32;
static_assert(Hash256::kSize >= crypto_generichash_BYTES_MIN);
static_assert(kHashKeyBytes >= crypto_generichash_KEYBYTES_MIN);

crypto_generichash_state* state_of(std::byte* bytes) noexcept {
  return static_cast<crypto_generichash_state*>(static_cast<void*>(bytes));
}

Hash256 hash_with_key(ByteView key, ByteView data) {
  Hash256 hash;
  // Fails only for sizes that are constants here.
  static_cast<void>(crypto_generichash(u8_data(hash.mutable_view()), Hash256::kSize, u8_data(data),
                                       data.size(), u8_data(key), key.size()));
  return hash;
}

}  // namespace

Status init_crypto() {
  if (sodium_init() < 0) {
    return fail(ErrorCode::internal, "start libsodium: it reports that it cannot run here");
  }
  if (!has_aead()) {
    return fail(ErrorCode::internal, "start OpenSSL: it has no ChaCha20-Poly1305 here");
  }
  return {};
}

Hash256 hash256(ByteView data) { return hash_with_key({}, data); }

Hash256 keyed_hash256(ByteView key, ByteView data) {
  Expects(key.size() == kHashKeyBytes);
  return hash_with_key(key, data);
}

Hasher::Hasher(ByteView key) {
  static_assert(sizeof(crypto_generichash_state) <= sizeof(state_));
  static_assert(alignof(crypto_generichash_state) <= alignof(Hasher));
  Expects(key.empty() || key.size() == kHashKeyBytes);
  static_cast<void>(
      crypto_generichash_init(state_of(state_), u8_data(key), key.size(), Hash256::kSize));
}

void Hasher::update(ByteView data) {
  static_cast<void>(crypto_generichash_update(state_of(state_), u8_data(data), data.size()));
}

Hash256 Hasher::finish() {
  Hash256 hash;
  const int failed =
      crypto_generichash_final(state_of(state_), u8_data(hash.mutable_view()), Hash256::kSize);
  Ensures(failed == 0);  // finished twice
  return hash;
}

SecretBytes derive_key(ByteView key, std::string_view label, ByteView context) {
  Expects(key.size() == kHashKeyBytes);
  const std::byte zero{0};
  Hasher hasher(key);
  hasher.update(as_view(label));
  hasher.update({&zero, 1});
  hasher.update(context);
  Hash256 hash = hasher.finish();
  SecretBytes derived = SecretBytes::copy_of(hash.view());
  wipe(hash.mutable_view());
  return derived;
}

std::uint64_t short_hash(ByteView key16, ByteView data) {
  static_assert(crypto_shorthash_BYTES == sizeof(std::uint64_t));
  Expects(key16.size() == crypto_shorthash_KEYBYTES);
  std::array<unsigned char, crypto_shorthash_BYTES> hash{};
  static_cast<void>(crypto_shorthash(hash.data(), u8_data(data), data.size(), u8_data(key16)));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    value |= std::uint64_t{hash[i]} << (8 * i);
  }
  return value;
}

}  // namespace cairn::core
