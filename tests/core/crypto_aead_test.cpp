#include <sodium.h>

#include <array>
#include <limits>

#include "cairn/core/crypto.h"
#include "catch2.h"
#include "hex.h"
#include "seeded_data.h"

namespace cairn::core {
namespace {

using test::from_hex;

constexpr std::string_view kSunscreen =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    "sunscreen would be it.";

Bytes seal(ByteView key, std::uint64_t number, ByteView associated, ByteView plaintext) {
  Bytes sealed(plaintext.size() + kAeadTagBytes);
  aead_seal(key, number, associated, plaintext, sealed);
  return sealed;
}

bool opens(ByteView key, std::uint64_t number, ByteView associated, ByteView sealed) {
  Bytes plaintext(sealed.size() - kAeadTagBytes);
  return aead_open(key, number, associated, sealed, plaintext);
}

TEST_CASE("sealing is ChaCha20-Poly1305 with a little-endian number as nonce") {
  // Key, associated data and plaintext of RFC 8439, section 2.8.2. Its nonce cannot be written as
  // a 64-bit number, so the expected bytes come from OpenSSL's program, which reproduces the RFC's
  // with its.
  const Bytes key = from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const Bytes associated = from_hex("50515253c0c1c2c3c4c5c6c7");
  CHECK(to_hex(seal(key, 0, associated, as_view(kSunscreen))) ==
        "663d7ec45b29ceaaa35505b8c1b3d94613a50fd7e315a748d35a378670746af867ab3404fe7b7655b904162b"
        "408190f3f8c781815bb8724e4ac22ea6351d38468cd370aa8ffb19e96edc915893cc6e1861c2af01ab0fb02d"
        "f97ea145499bb87d44ec7d738272327290570a03658b27b116665c21ea189f9450ff121509fd8142befc");
  CHECK(to_hex(seal(key, 1, associated, as_view(kSunscreen))) ==
        "cdce5bfe03d43a611172dd22865ca8a8d2ea9f3381320f593029599ed3da4090720b55cdc91ad28b333096a9"
        "5c3e980494a933bd429a038199a890d0f43e6c4277ed7386a17133f93e9c1423355e418b630f39e54cbb8b19"
        "2666e2915e7b8ef13e4ade9db781311ffd0464f8e27c27bb6578f0e33b8b2a649159dfb085bff9ce591d");
  CHECK(to_hex(seal(key, 0x0807060504030201, associated, as_view(kSunscreen))) ==
        "805ffc17f8e908e8831fd5a41c8b1239307a3fb198c57840a639f2e5bb803cc9cb4d2c8d79f3f92b651c2df1"
        "8d0c0a5ad5c61b63e2b54873f340efae5a82e359752927df7631f152ba3c4133d95ed22d7a767c6eb1558cf9"
        "6f4901a1e239e689aaf080db4e1fa959a405bbfaec1be38a0d73d7fef7ceefd8bd1f63f8a8a84b320b9e");
  CHECK(to_hex(seal(key, std::numeric_limits<std::uint64_t>::max(), {}, {})) ==
        "72c2e576a679bb52a3cf7af9edc62f58");
}

TEST_CASE("what was sealed opens to the same bytes") {
  const Bytes key = test::seeded_bytes(1, 32);
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 63U, 64U, 65U, 1'000U, 100'000U}) {
    CAPTURE(size);
    const Bytes plaintext = test::seeded_bytes(2, size);
    const Bytes sealed = seal(key, 7, as_view("about"), plaintext);
    Bytes opened(size);
    REQUIRE(aead_open(key, 7, as_view("about"), sealed, opened));
    CHECK(opened == plaintext);
  }
}

TEST_CASE("sealing in place works, as writers do it") {
  const Bytes key = test::seeded_bytes(1, 32);
  const Bytes plaintext = test::seeded_bytes(2, 1'000);
  Bytes buffer = plaintext;
  buffer.resize(plaintext.size() + kAeadTagBytes);
  aead_seal(key, 3, {}, ByteView(buffer).first(plaintext.size()), buffer);
  CHECK(buffer == seal(key, 3, {}, plaintext));
  REQUIRE(aead_open(key, 3, {}, buffer, MutableByteView(buffer).first(plaintext.size())));
  CHECK(equal(ByteView(buffer).first(plaintext.size()), plaintext));
}

// Two libraries that know nothing of each other: what one seals is what the other does.
TEST_CASE("sealing is what libsodium makes of it") {
  const Bytes key = test::seeded_bytes(1, 32);
  for (const std::size_t size :
       {0U, 1U, 15U, 16U, 17U, 255U, 256U, 257U, 511U, 513U, 1'024U, 4'095U, 70'001U}) {
    const std::size_t associated_size = size % 37;
    CAPTURE(size, associated_size);
    const Bytes plaintext = test::seeded_bytes(2, size);
    const Bytes associated = test::seeded_bytes(3, associated_size);
    const std::array<unsigned char, 12> nonce{static_cast<unsigned char>(size & 0xff), 9};
    Bytes expected(size + kAeadTagBytes);
    REQUIRE(crypto_aead_chacha20poly1305_ietf_encrypt(
                u8_data(MutableByteView(expected)), nullptr, u8_data(ByteView(plaintext)), size,
                u8_data(ByteView(associated)), associated_size, nullptr, nonce.data(),
                u8_data(ByteView(key))) == 0);
    CHECK(seal(key, nonce[0] + 256U * nonce[1], associated, plaintext) == expected);
  }
}

TEST_CASE("what does not open leaves nothing of its plaintext behind") {
  const Bytes key = test::seeded_bytes(1, 32);
  Bytes sealed = seal(key, 5, {}, test::seeded_bytes(3, 5'000));
  sealed.back() ^= std::byte{1};
  Bytes opened = test::seeded_bytes(4, 5'000);
  CHECK_FALSE(aead_open(key, 5, {}, sealed, opened));
  CHECK(opened == Bytes(5'000, std::byte{0}));
}

TEST_CASE("a change of any bit that went in keeps it shut") {
  const Bytes key = test::seeded_bytes(1, 32);
  const Bytes associated = test::seeded_bytes(2, 24);
  const Bytes sealed = seal(key, 5, associated, test::seeded_bytes(3, 48));
  REQUIRE(opens(key, 5, associated, sealed));
  const auto flipped = [](const Bytes& bytes, std::size_t bit) {
    Bytes copy = bytes;
    copy[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    return copy;
  };
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    CHECK_FALSE(opens(key, 5, associated, flipped(sealed, bit)));
  }
  for (std::size_t bit = 0; bit < associated.size() * 8; ++bit) {
    CHECK_FALSE(opens(key, 5, flipped(associated, bit), sealed));
  }
  for (std::size_t bit = 0; bit < key.size() * 8; ++bit) {
    CHECK_FALSE(opens(flipped(key, bit), 5, associated, sealed));
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    CHECK_FALSE(opens(key, 5 ^ (std::uint64_t{1} << bit), associated, sealed));
  }
}

TEST_CASE("cutting bytes off, or moving them to the associated data, keeps it shut") {
  const Bytes key = test::seeded_bytes(1, 32);
  const Bytes sealed = seal(key, 5, as_view("ab"), test::seeded_bytes(3, 48));
  for (std::size_t size = kAeadTagBytes; size < sealed.size(); ++size) {
    CHECK_FALSE(opens(key, 5, as_view("ab"), ByteView(sealed).first(size)));
    CHECK_FALSE(opens(key, 5, as_view("ab"), ByteView(sealed).last(size)));
  }
  CHECK_FALSE(opens(key, 5, as_view("a"), sealed));
  CHECK_FALSE(opens(key, 5, {}, sealed));
  CHECK_FALSE(opens(key, 5, as_view(std::string_view("ab\0", 3)), sealed));
}

}  // namespace
}  // namespace cairn::core
