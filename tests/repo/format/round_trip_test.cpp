// What is encoded decodes to the same value, and that encodes to the same bytes.

#include "catch2.h"
#include "format/sealed.h"
#include "outcome.h"
#include "random_records.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::repo::format;

namespace {

constexpr int kRounds = 200;

template <class Make, class Encode, class Decode>
void check_round_trips(std::uint64_t seed, Make make, Encode encode, Decode decode) {
  test::SeededRandom random(seed);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(seed, round);
    const auto value = make(random);
    const core::Result<core::Bytes> bytes = encode(value);
    REQUIRE(test::message_of(bytes) == "");
    const auto decoded = decode(core::ByteView(*bytes));
    REQUIRE(test::message_of(decoded) == "");
    REQUIRE(*decoded == value);
    const core::Result<core::Bytes> again = encode(*decoded);
    REQUIRE(test::message_of(again) == "");
    REQUIRE(core::equal(*again, *bytes));
  }
}

template <class T>
using FromBytes = core::Result<T> (*)(core::ByteView);

}  // namespace

TEST_CASE("round trip: config and keys") {
  check_round_trips(1, test::random_config, encode_config, decode_config);
  check_round_trips(2, test::random_slot_label, encode_slot_label, decode_slot_label);
  check_round_trips(3, test::random_key_slot, encode_key_slot, decode_key_slot);
}

TEST_CASE("round trip: key bundles, compared by their bytes") {
  test::SeededRandom random(4);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    const core::SecretBytes bytes = encode_key_bundle(test::random_key_bundle(random));
    const auto decoded = decode_key_bundle(bytes.view());
    REQUIRE(test::message_of(decoded) == "");
    REQUIRE(core::equal(encode_key_bundle(*decoded).view(), bytes.view()));
  }
}

TEST_CASE("round trip: packs and index segments") {
  check_round_trips(5, test::random_pack_header, encode_pack_header, decode_pack_header);
  check_round_trips(
      6, test::random_pack_directory,
      [](const PackDirectory& directory) {
        core::Encoder out;
        encode_pack_directory(out, directory);
        return std::move(out).take();
      },
      static_cast<FromBytes<PackDirectory>>(decode_pack_directory));
  check_round_trips(7, test::random_index_segment, encode_index_segment, decode_index_segment);

  test::SeededRandom random(8);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    const PackFooter footer = test::random_pack_footer(random);
    const core::Bytes bytes = encode_pack_footer(footer);
    const auto decoded = decode_pack_footer(bytes, footer.covered_bytes + bytes.size());
    REQUIRE(test::message_of(decoded) == "");
    REQUIRE(*decoded == footer);
    REQUIRE_FALSE(decode_pack_footer(bytes, footer.covered_bytes + bytes.size() + 1).has_value());
  }
}

TEST_CASE("round trip: registers and the records of the collection protocol") {
  check_round_trips(9, test::random_link, encode_link, decode_link);
  check_round_trips(10, test::random_register, encode_register, decode_register);
  check_round_trips(11, test::random_snapshot, encode_snapshot, decode_snapshot);
  check_round_trips(21, test::random_mark, encode_mark, decode_mark);
  check_round_trips(22, test::random_settings, encode_settings, decode_settings);
  check_round_trips(12, test::random_session, encode_session, decode_session);
  check_round_trips(13, test::random_tombstone, encode_tombstone, decode_tombstone);
  check_round_trips(14, test::random_condemned, encode_condemned, decode_condemned);
}

TEST_CASE("round trip: nodes") {
  check_round_trips(15, test::random_folder_leaf, encode_folder_leaf, decode_folder_leaf);
  check_round_trips(16, test::random_folder_inner, encode_folder_inner, decode_folder_inner);
  check_round_trips(17, test::random_list_leaf, encode_list_leaf, decode_list_leaf);
  check_round_trips(18, test::random_list_inner, encode_list_inner, decode_list_inner);
  const auto root = [](test::SeededRandom& random) {
    Entry entry = test::random_entry(random);
    entry.name.clear();
    entry.hard_link_to.reset();
    return entry;
  };
  check_round_trips(19, root, encode_root, decode_root);
}

TEST_CASE("round trip: envelopes") {
  test::SeededRandom random(20);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    const core::Bytes ciphertext = random.bytes(16 + random.below(1000));
    SymmetricEnvelope symmetric;
    symmetric.epoch = static_cast<std::uint32_t>(random.next());
    symmetric.salt = test::random_id<Salt>(random);
    symmetric.ciphertext = ciphertext;
    const core::Bytes sealed = encode_symmetric_envelope(symmetric);
    const auto opened = decode_symmetric_envelope(sealed);
    REQUIRE(test::outcome(opened) == "ok");
    CHECK(opened->epoch == symmetric.epoch);
    CHECK(opened->salt == symmetric.salt);
    CHECK(core::equal(opened->ciphertext, ciphertext));

    PublicEnvelope to_key;
    to_key.epoch = static_cast<std::uint32_t>(random.next());
    to_key.salt = test::random_id<Salt>(random);
    to_key.ephemeral = test::random_id<core::BoxPublicKey>(random);
    to_key.commitment = test::random_id<Commitment>(random);
    to_key.ciphertext = ciphertext;
    const core::Bytes sealed_to_key = encode_public_envelope(to_key);
    const auto opened_again = decode_public_envelope(sealed_to_key);
    REQUIRE(test::outcome(opened_again) == "ok");
    CHECK(opened_again->epoch == to_key.epoch);
    CHECK(opened_again->salt == to_key.salt);
    CHECK(opened_again->ephemeral == to_key.ephemeral);
    CHECK(opened_again->commitment == to_key.commitment);
    CHECK(core::equal(opened_again->ciphertext, ciphertext));
  }
}

TEST_CASE("round trip: padding hides the length in steps of 256 bytes") {
  test::SeededRandom random(21);
  for (std::size_t size = 0; size < 1100; ++size) {
    CAPTURE(size);
    const core::Bytes plain = random.bytes(size);
    const core::Bytes padded = pad(plain);
    REQUIRE(padded.size() % kPaddingBytes == 0);
    REQUIRE(padded.size() < size + 4 + kPaddingBytes);
    const auto found = unpad(padded);
    REQUIRE(test::outcome(found) == "ok");
    REQUIRE(core::equal(*found, plain));
  }
}
