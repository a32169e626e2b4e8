#include <sodium.h>

#include <array>
#include <gsl/assert>

#include "cairn/core/crypto.h"

namespace cairn::core {
namespace {

static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == kAeadTagBytes);
using Nonce = std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce nonce_of(std::uint64_t number) noexcept {
  Nonce nonce{};
  for (std::size_t i = 0; i < sizeof(number); ++i) {
    nonce[i] = static_cast<unsigned char>(number >> (8 * i));
  }
  return nonce;
}

}  // namespace

void aead_seal(ByteView key, std::uint64_t nonce_number, ByteView associated_data,
               ByteView plaintext, MutableByteView out) {
  Expects(key.size() == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
  Expects(out.size() == plaintext.size() + kAeadTagBytes);
  const Nonce nonce = nonce_of(nonce_number);
  static_cast<void>(crypto_aead_chacha20poly1305_ietf_encrypt(
      u8_data(out), nullptr, u8_data(plaintext), plaintext.size(), u8_data(associated_data),
      associated_data.size(), nullptr, nonce.data(), u8_data(key)));
}

bool aead_open(ByteView key, std::uint64_t nonce_number, ByteView associated_data, ByteView sealed,
               MutableByteView out) {
  Expects(key.size() == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
  Expects(sealed.size() == out.size() + kAeadTagBytes);
  const Nonce nonce = nonce_of(nonce_number);
  return crypto_aead_chacha20poly1305_ietf_decrypt(
             u8_data(out), nullptr, nullptr, u8_data(sealed), sealed.size(),
             u8_data(associated_data), associated_data.size(), nonce.data(), u8_data(key)) == 0;
}

}  // namespace cairn::core
