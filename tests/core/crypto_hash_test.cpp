#include "cairn/core/crypto.h"

#include "catch2.h"
#include "counting_bytes.h"
#include "hex.h"
#include "outcome.h"
#include "seeded_data.h"

namespace cairn::core {
namespace {

using test::from_hex;

struct HashVector {
  std::size_t size;
  const char* digest;
};

TEST_CASE("libsodium starts, as often as it is asked to") {
  CHECK(test::outcome(init_crypto()) == "ok");
  CHECK(test::outcome(init_crypto()) == "ok");
}

TEST_CASE("plain hashing is BLAKE2b-256") {
  // The first two are published widely; the others were computed with Python's hashlib.
  CHECK(hash256({}).hex() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  CHECK(hash256(as_view("abc")).hex() ==
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  for (const HashVector& vector :
       {HashVector{127, "f2fe67ff342e21b8f45e8f2e0bcd1d9243245d50ee6c78042e9c491388791c72"},
        HashVector{128, "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1"},
        HashVector{129, "f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9"},
        HashVector{1000, "c636324d47d89f2b2434dc2c994100663fbbaea880ff020fc5de89dd0f77a1ec"}}) {
    CHECK(hash256(counting_bytes(vector.size)).hex() == vector.digest);
  }
}

TEST_CASE("keyed hashing is keyed BLAKE2b-256") {
  const Bytes key = counting_bytes(32);
  for (const HashVector& vector :
       {HashVector{0, "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d"},
        HashVector{128, "138893f1631ef3165629515d6ed800da3771b7926dced294205c7507351deebc"},
        HashVector{1000, "35ef19e1b0264b96e9d2f9c1ded07ab910b83e31c06559b5794ad4682e44f54a"}}) {
    CHECK(keyed_hash256(key, counting_bytes(vector.size)).hex() == vector.digest);
  }
}

TEST_CASE("streaming gives what one call gives, however the input is split") {
  const Bytes data = test::seeded_bytes(1, 1'000);
  const Bytes key = test::seeded_bytes(2, 32);
  for (const std::size_t step : {1U, 63U, 64U, 127U, 128U, 129U, 500U, 1'000U}) {
    CAPTURE(step);
    Hasher plain;
    Hasher keyed{ByteView(key)};
    for (std::size_t begin = 0; begin < data.size(); begin += step) {
      const ByteView piece = ByteView(data).subspan(begin, std::min(step, data.size() - begin));
      plain.update(piece);
      keyed.update(piece);
      plain.update({});
    }
    CHECK(plain.finish() == hash256(data));
    CHECK(keyed.finish() == keyed_hash256(key, data));
  }
  CHECK(Hasher().finish() == hash256({}));
}

TEST_CASE("a hasher copied half-way goes two ways") {
  Hasher first;
  first.update(as_view("common "));
  Hasher second = first;
  first.update(as_view("a"));
  second.update(as_view("b"));
  CHECK(first.finish() == hash256(as_view("common a")));
  CHECK(second.finish() == hash256(as_view("common b")));
}

TEST_CASE("derived keys depend on key, label and context, and nothing runs together") {
  const Bytes key = counting_bytes(32);
  const auto derived = [&](std::string_view label, std::string_view context) {
    return to_hex(derive_key(key, label, as_view(context)).view());
  };
  // BLAKE2b-256 keyed with `key` over label, zero byte, context; computed with Python's hashlib.
  CHECK(derived("cairn/test", "ctx") ==
        "414bc2a94b084f9d8c6163c7ed3943001634cb8fdc00c632f8226dd8b01012ff");
  CHECK(to_hex(derive_key(key, "cairn/test").view()) ==
        "5780690527de95451ffee4d53e52747dafb0a27f882d5ce7f2af1acb33493297");
  CHECK(derived("cairn/testc", "tx") != derived("cairn/test", "ctx"));
  Bytes other_key = key;
  other_key[31] ^= std::byte{1};
  CHECK_FALSE(
      equal(derive_key(other_key, "cairn/test").view(), derive_key(key, "cairn/test").view()));
}

TEST_CASE("short hashing is SipHash-2-4") {
  // From the paper by Aumasson and Bernstein, appendix A.
  CHECK(short_hash(counting_bytes(16), counting_bytes(15)) == 0xa129ca6149be45e5);
  CHECK(short_hash(counting_bytes(16), {}) == 0x726fdb47dd0e0e31);
}

}  // namespace
}  // namespace cairn::core
