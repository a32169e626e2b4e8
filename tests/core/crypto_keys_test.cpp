#include "cairn/core/crypto.h"
#include "catch2.h"
#include "hex.h"
#include "outcome.h"
#include "seeded_random.h"

namespace cairn::core {
namespace {

using test::from_hex;
using test::outcome;

constexpr std::string_view kAliceSecret =
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr std::string_view kAlicePublic =
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
constexpr std::string_view kBobSecret =
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr std::string_view kBobPublic =
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

std::string shared_secret(std::string_view secret, std::string_view other) {
  const auto shared = box_shared_secret(from_hex(secret), BoxPublicKey::from_hex(other).value());
  return shared.has_value() ? to_hex(shared->view()) : outcome(shared);
}

TEST_CASE("key agreement is X25519: the vectors of RFC 7748") {
  // Section 5.2.
  CHECK(shared_secret("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                      "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c") ==
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  CHECK(shared_secret("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                      "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493") ==
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
  // Section 6.1.
  CHECK(box_public_key(from_hex(kAliceSecret)).hex() == kAlicePublic);
  CHECK(box_public_key(from_hex(kBobSecret)).hex() == kBobPublic);
  const std::string agreed = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  CHECK(shared_secret(kAliceSecret, kBobPublic) == agreed);
  CHECK(shared_secret(kBobSecret, kAlicePublic) == agreed);
}

TEST_CASE("points of small order are refused") {
  for (const auto* const point :
       {"0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    CAPTURE(point);
    CHECK(shared_secret(kAliceSecret, point) == "corrupt");
  }
}

TEST_CASE("new key pairs come from the given randomness and agree") {
  test::SeededRandom random(1);
  const BoxKeyPair first = make_box_key_pair(random);
  const BoxKeyPair second = make_box_key_pair(random);
  CHECK(first.secret_key.size() == 32);
  CHECK(first.public_key == box_public_key(first.secret_key.view()));
  CHECK_FALSE(first.public_key == second.public_key);
  const auto one = box_shared_secret(first.secret_key.view(), second.public_key);
  const auto other = box_shared_secret(second.secret_key.view(), first.public_key);
  REQUIRE(outcome(one) == "ok");
  REQUIRE(outcome(other) == "ok");
  CHECK(equal(one->view(), other->view()));
  test::SeededRandom again(1);
  CHECK(make_box_key_pair(again).public_key == first.public_key);
}

struct SignVector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

TEST_CASE("signing is Ed25519: the vectors of RFC 8032, section 7.1") {
  for (const SignVector& vector :
       {SignVector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                   "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                   "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        SignVector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                   "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        SignVector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                   "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                   "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                   "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"}}) {
    CAPTURE(vector.seed);
    const Bytes seed = from_hex(vector.seed);
    const Bytes message = from_hex(vector.message);
    const SignPublicKey key = sign_public_key(seed);
    CHECK(key.hex() == vector.public_key);
    const Signature signature = sign(seed, message);
    CHECK(signature.hex() == vector.signature);
    CHECK(verify_signature(key, message, signature));
  }
}

TEST_CASE("a signature fits one message and one key") {
  test::SeededRandom random(1);
  const SignKeyPair pair = make_sign_key_pair(random);
  CHECK(pair.public_key == sign_public_key(pair.seed.view()));
  const Bytes message = random.bytes(50);
  const Signature signature = sign(pair.seed.view(), message);
  REQUIRE(verify_signature(pair.public_key, message, signature));
  CHECK_FALSE(verify_signature(make_sign_key_pair(random).public_key, message, signature));
  CHECK_FALSE(verify_signature(pair.public_key, ByteView(message).first(49), signature));
  CHECK_FALSE(verify_signature(SignPublicKey(), message, signature));
  CHECK_FALSE(verify_signature(pair.public_key, message, Signature()));
  for (std::size_t bit = 0; bit < Signature::kSize * 8; ++bit) {
    Signature changed = signature;
    changed.mutable_view()[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_FALSE(verify_signature(pair.public_key, message, changed));
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes changed = message;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_FALSE(verify_signature(pair.public_key, changed, signature));
  }
}

}  // namespace
}  // namespace cairn::core
