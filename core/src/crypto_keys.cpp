#include <sodium.h>

#include <gsl/assert>

#include "cairn/core/crypto.h"

namespace cairn::core {
namespace {

static_assert(BoxPublicKey::kSize == crypto_scalarmult_BYTES);
static_assert(SignPublicKey::kSize == crypto_sign_PUBLICKEYBYTES);
static_assert(Signature::kSize == crypto_sign_BYTES);

SecretBytes random_secret(Random& random, std::size_t size) {
  SecretBytes secret(size);
  random.fill(secret.mutable_view());
  return secret;
}

struct ExpandedSignKey {
  SignPublicKey public_key;
  SecretBytes secret_key = SecretBytes(crypto_sign_SECRETKEYBYTES);
};

ExpandedSignKey expand(ByteView seed) {
  Expects(seed.size() == crypto_sign_SEEDBYTES);
  ExpandedSignKey expanded;
  static_cast<void>(crypto_sign_seed_keypair(u8_data(expanded.public_key.mutable_view()),
                                             u8_data(expanded.secret_key.mutable_view()),
                                             u8_data(seed)));
  return expanded;
}

}  // namespace

BoxKeyPair make_box_key_pair(Random& random) {
  SecretBytes secret = random_secret(random, crypto_scalarmult_SCALARBYTES);
  const BoxPublicKey public_key = box_public_key(secret.view());
  return {public_key, std::move(secret)};
}

BoxPublicKey box_public_key(ByteView secret_key) {
  Expects(secret_key.size() == crypto_scalarmult_SCALARBYTES);
  BoxPublicKey key;
  static_cast<void>(crypto_scalarmult_base(u8_data(key.mutable_view()), u8_data(secret_key)));
  return key;
}

SignKeyPair make_sign_key_pair(Random& random) {
  SecretBytes seed = random_secret(random, crypto_sign_SEEDBYTES);
  const SignPublicKey public_key = sign_public_key(seed.view());
  return {public_key, std::move(seed)};
}

SignPublicKey sign_public_key(ByteView seed) { return expand(seed).public_key; }

Result<SecretBytes> box_shared_secret(ByteView secret_key, const BoxPublicKey& other) {
  Expects(secret_key.size() == crypto_scalarmult_SCALARBYTES);
  SecretBytes shared(crypto_scalarmult_BYTES);
  if (crypto_scalarmult(u8_data(shared.mutable_view()), u8_data(secret_key),
                        u8_data(other.view())) != 0) {
    return fail(ErrorCode::corrupt, "agree on a key: the public key is a point of small order");
  }
  return shared;
}

Signature sign(ByteView seed, ByteView message) {
  const ExpandedSignKey key = expand(seed);
  Signature signature;
  static_cast<void>(crypto_sign_detached(u8_data(signature.mutable_view()), nullptr,
                                         u8_data(message), message.size(),
                                         u8_data(key.secret_key.view())));
  return signature;
}

bool verify_signature(const SignPublicKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(u8_data(signature.view()), u8_data(message), message.size(),
                                     u8_data(key.view())) == 0;
}

}  // namespace cairn::core
