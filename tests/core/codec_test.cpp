#include "cairn/core/codec.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "catch2.h"
#include "hex.h"
#include "outcome.h"
#include "seeded_random.h"

namespace cairn::core {
namespace {

using test::from_hex;
using test::message_of;
using test::outcome;

std::string encoded_varint(std::uint64_t value) {
  Encoder encoder;
  encoder.varint(value);
  return to_hex(encoder.view());
}

std::string encoded_svarint(std::int64_t value) {
  Encoder encoder;
  encoder.svarint(value);
  return to_hex(encoder.view());
}

// Everything a varint can be asked about: both sides of each length, and the ends.
std::vector<std::uint64_t> boundary_values() {
  std::vector<std::uint64_t> values = {0, 1, UINT64_MAX - 1, UINT64_MAX};
  for (unsigned bits = 1; bits < 64; ++bits) {
    const std::uint64_t power = std::uint64_t{1} << bits;
    values.insert(values.end(), {power - 1, power, power + 1});
  }
  return values;
}

TEST_CASE("the bytes of each primitive are what the format says") {
  Encoder encoder;
  encoder.u8(0x01);
  encoder.u16(0x0203);
  encoder.u32(0x04050607);
  encoder.u64(0x08090a0b0c0d0e0f);
  encoder.bytes(as_view("hi"));
  encoder.bytes(std::string_view());
  encoder.raw(as_view("!"));
  CHECK(to_hex(encoder.view()) ==
        "01"
        "0302"
        "07060504"
        "0f0e0d0c0b0a0908"
        "026869"
        "00"
        "21");
  CHECK(encoded_varint(0) == "00");
  CHECK(encoded_varint(127) == "7f");
  CHECK(encoded_varint(128) == "8001");
  CHECK(encoded_varint(300) == "ac02");
  CHECK(encoded_varint(UINT64_MAX) == "ffffffffffffffffff01");
  CHECK(encoded_svarint(0) == "00");
  CHECK(encoded_svarint(-1) == "01");
  CHECK(encoded_svarint(1) == "02");
  CHECK(encoded_svarint(-64) == "7f");
  CHECK(encoded_svarint(64) == "8001");
  CHECK(encoded_svarint(INT64_MAX) == "feffffffffffffffff01");
  CHECK(encoded_svarint(INT64_MIN) == "ffffffffffffffffff01");
}

TEST_CASE("numbers come back as they were") {
  for (const std::uint64_t value : boundary_values()) {
    CAPTURE(value);
    const auto as_signed = static_cast<std::int64_t>(value);
    Encoder encoder;
    encoder.varint(value);
    encoder.svarint(as_signed);
    encoder.svarint(static_cast<std::int64_t>(~value));
    encoder.u8(static_cast<std::uint8_t>(value));
    encoder.u16(static_cast<std::uint16_t>(value));
    encoder.u32(static_cast<std::uint32_t>(value));
    encoder.u64(value);
    Decoder decoder(encoder.view(), "numbers");
    CHECK(decoder.varint() == value);
    CHECK(decoder.svarint() == as_signed);
    CHECK(decoder.svarint() == static_cast<std::int64_t>(~value));
    CHECK(decoder.u8() == static_cast<std::uint8_t>(value));
    CHECK(decoder.u16() == static_cast<std::uint16_t>(value));
    CHECK(decoder.u32() == static_cast<std::uint32_t>(value));
    CHECK(decoder.u64() == value);
    CHECK(outcome(decoder.finish()) == "ok");
  }
}

TEST_CASE("byte strings come back as they were") {
  test::SeededRandom random(1);
  for (const std::size_t size : {0U, 1U, 127U, 128U, 300U, 70'000U}) {
    const Bytes data = random.bytes(size);
    Encoder encoder;
    encoder.bytes(data);
    encoder.raw(data);
    Decoder decoder(encoder.view(), "strings");
    CHECK(equal(decoder.bytes(size), data));
    CHECK(equal(decoder.raw(size), data));
    CHECK(outcome(decoder.finish()) == "ok");
  }
}

TEST_CASE("an encoder continues a buffer and gives it up") {
  Encoder encoder(to_bytes(as_view("ab")));
  encoder.u8('c');
  CHECK(encoder.size() == 3);
  CHECK(to_string(std::move(encoder).take()) == "abc");
}

TEST_CASE("a varint is refused if it could be shorter") {
  for (const auto* const digits : {"8000", "ff00", "808000", "80808080808080808000"}) {
    CAPTURE(digits);
    const Bytes input = from_hex(digits);
    Decoder decoder(input, "record");
    CHECK(decoder.varint() == 0);
    CHECK(outcome(decoder.finish()) == "corrupt");
    CHECK(message_of(decoder.finish()) == "record: a number has needless bytes (near byte 0)");
  }
}

TEST_CASE("a varint is refused if it needs more than 64 bits") {
  // The tenth byte holds one bit only: 2 would be bit 64, 0x81 announces an eleventh byte.
  for (const auto* const digits :
       {"ffffffffffffffffff02", "ffffffffffffffffff7f", "ffffffffffffffffff8101",
        "8080808080808080808001", "ffffffffffffffffffff"}) {
    CAPTURE(digits);
    const Bytes input = from_hex(digits);
    Decoder decoder(input, "record");
    CHECK(decoder.varint() == 0);
    CHECK(message_of(decoder.finish()) == "record: a number needs more than 64 bits (near byte 0)");
  }
}

TEST_CASE("a varint above its limit is told apart from damage") {
  for (const std::uint64_t value : boundary_values()) {
    CAPTURE(value);
    Encoder encoder;
    encoder.varint(value);
    Decoder at_limit(encoder.view(), "record");
    CHECK(at_limit.varint(value) == value);
    CHECK(outcome(at_limit.finish()) == "ok");
    if (value > 0) {
      Decoder above(encoder.view(), "record");
      CHECK(above.varint(value - 1) == 0);
      CHECK(outcome(above.finish()) == "limit_exceeded");
    }
  }
}

TEST_CASE("every truncation of a record is refused") {
  Encoder encoder;
  encoder.u8(1);
  encoder.u16(2);
  encoder.u32(3);
  encoder.u64(4);
  encoder.varint(1'000'000);
  encoder.svarint(-1'000'000);
  encoder.bytes(as_view("name"));
  encoder.raw(as_view("raw"));
  const auto decode = [](ByteView input) {
    Decoder decoder(input, "record");
    static_cast<void>(decoder.u8());
    static_cast<void>(decoder.u16());
    static_cast<void>(decoder.u32());
    static_cast<void>(decoder.u64());
    static_cast<void>(decoder.varint());
    static_cast<void>(decoder.svarint());
    static_cast<void>(decoder.bytes(10));
    static_cast<void>(decoder.raw(3));
    return decoder.finish();
  };
  REQUIRE(outcome(decode(encoder.view())) == "ok");
  for (std::size_t size = 0; size < encoder.size(); ++size) {
    CAPTURE(size);
    CHECK(outcome(decode(encoder.view().first(size))) == "corrupt");
  }
}

TEST_CASE("bytes left over are refused at the end, not before") {
  const Bytes input = from_hex("0102");
  Decoder decoder(input, "record");
  CHECK(decoder.u8() == 1);
  CHECK(outcome(decoder.check()) == "ok");
  CHECK(decoder.left() == 1);
  CHECK(to_hex(decoder.rest()) == "02");
  CHECK(outcome(decoder.finish()) == "corrupt");
  CHECK(message_of(decoder.check()) == "record: 1 bytes left over (near byte 1)");
}

TEST_CASE("a length is checked against its limit and against what is there") {
  const Bytes input = from_hex("03616263");
  Decoder fits(input, "record");
  CHECK(fits.text(3) == "abc");
  CHECK(outcome(fits.finish()) == "ok");
  Decoder too_long(input, "record");
  CHECK(too_long.text(2).empty());
  CHECK(outcome(too_long.finish()) == "limit_exceeded");
  const Bytes cut = from_hex("046162");
  Decoder truncated(cut, "record");
  CHECK(truncated.bytes(100).empty());
  CHECK(message_of(truncated.finish()) == "record: 4 more bytes expected, 2 left (near byte 1)");
  const Bytes huge = from_hex("ffffffffffffffffff01");
  Decoder enormous(huge, "record");
  CHECK(enormous.bytes(SIZE_MAX).empty());
  CHECK(outcome(enormous.finish()) == "corrupt");
}

TEST_CASE("a count is bounded by what the rest of the input can hold") {
  const Bytes input = from_hex("0300000000000000");  // 3, then seven bytes
  Decoder fits(input, "record");
  CHECK(fits.count(3, 2) == 3);
  CHECK(fits.ok());
  Decoder too_many(input, "record");
  CHECK(too_many.count(2, 1) == 0);
  CHECK(outcome(too_many.check()) == "limit_exceeded");
  Decoder too_large(input, "record");
  CHECK(too_large.count(3, 3) == 0);
  CHECK(outcome(too_large.check()) == "corrupt");
  const Bytes huge = from_hex("ffffffffffffffffff0100");
  Decoder enormous(huge, "record");
  CHECK(enormous.count(UINT64_MAX, 1) == 0);
  CHECK(outcome(enormous.check()) == "corrupt");
}

TEST_CASE("an expected byte and reserved zeros must be there") {
  const Bytes input = from_hex("0700000001");
  Decoder good(input, "record");
  good.expect_u8(7, "version");
  good.expect_zeros(3);
  CHECK(good.u8() == 1);
  CHECK(outcome(good.finish()) == "ok");
  Decoder other(input, "record");
  other.expect_u8(8, "version");
  CHECK(message_of(other.finish()) == "record: version is 7, not 8 (near byte 1)");
  for (const std::size_t zeros : {4U, 5U}) {
    Decoder reserved(input, "record");
    reserved.expect_u8(7, "version");
    reserved.expect_zeros(zeros);
    CHECK(outcome(reserved.check()) == "corrupt");
  }
  Decoder empty({}, "record");
  empty.expect_u8(0, "version");
  CHECK(message_of(empty.finish()) == "record: 1 more bytes expected, 0 left (near byte 0)");
}

TEST_CASE("after the first failure every read is empty, and the first reason stays") {
  const Bytes input = from_hex("0105616263646500000000000000000000");
  Decoder decoder(input, "record");
  CHECK(decoder.u8() == 1);
  decoder.fail_unsupported("flag 9 is unknown");
  CHECK_FALSE(decoder.ok());
  CHECK(decoder.left() == 0);
  CHECK(decoder.rest().empty());
  CHECK(decoder.u8() == 0);
  CHECK(decoder.u16() == 0);
  CHECK(decoder.u32() == 0);
  CHECK(decoder.u64() == 0);
  CHECK(decoder.varint() == 0);
  CHECK(decoder.svarint() == 0);
  CHECK(decoder.bytes(100).empty());
  CHECK(decoder.raw(2).empty());
  CHECK(decoder.text(100).empty());
  CHECK(decoder.count(100, 1) == 0);
  decoder.expect_zeros(0);
  decoder.expect_u8(5, "x");
  decoder.fail_corrupt("later");
  decoder.fail_limit("later");
  CHECK(outcome(decoder.check()) == "unsupported_version");
  CHECK(message_of(decoder.finish()) == "record: flag 9 is unknown (near byte 1)");
}

TEST_CASE("each way of failing has its code") {
  Decoder corrupt({}, "record");
  corrupt.fail_corrupt("names are not sorted");
  CHECK(outcome(corrupt.finish()) == "corrupt");
  Decoder limit({}, "record");
  limit.fail_limit("too deep");
  CHECK(outcome(limit.finish()) == "limit_exceeded");
}

TEST_CASE("whatever a decoder accepts, the encoder writes back byte for byte") {
  test::SeededRandom random(7);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes input = random.bytes(1 + random.below(11));
    for (std::byte& byte : input) {  // mostly continuation bytes, so that long ones occur
      byte |= random.below(4) != 0 ? std::byte{0x80} : std::byte{0};
    }
    Decoder decoder(input, "record");
    const std::uint64_t value = decoder.varint();
    if (!decoder.finish().has_value()) {
      continue;
    }
    ++accepted;
    CHECK(encoded_varint(value) == to_hex(input));
  }
  CHECK(accepted > 100);
}

}  // namespace
}  // namespace cairn::core
