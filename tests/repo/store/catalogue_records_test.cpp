#include "store/catalogue/catalogue_records.h"

#include "catalogue_fixture.h"
#include "catch2.h"
#include "outcome.h"

namespace cairn::test {
namespace {

using repo::store::Ledger;
using repo::store::PackNumber;

Ledger some_ledger() {
  return {.next_run = 300,
          .next_pack = 70000,
          .dead_packs = 9,
          .dead_chunks = 12,
          .runs = {{.number = 299, .entries = 86, .leaves = 2, .filter_lines = 3},
                   {.number = 5, .entries = 85, .leaves = 1, .filter_lines = 0}},
          .doomed = {298, 7}};
}

/// Every truncation, and every single changed byte that is accepted decodes to something else.
template <class Decode>
void check_strict(const core::Bytes& encoded, const Decode& decode) {
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    CHECK_FALSE(decode(core::ByteView(encoded).first(size)));
  }
  core::Bytes longer = encoded;
  longer.push_back(std::byte{0});
  CHECK_FALSE(decode(longer));
}

TEST_CASE("A ledger is what was encoded", "[catalogue]") {
  const Ledger ledger = some_ledger();
  const core::Bytes encoded = repo::store::encode_ledger(ledger);
  CHECK(*repo::store::decode_ledger(encoded) == ledger);
  CHECK(*repo::store::decode_ledger(repo::store::encode_ledger(Ledger())) == Ledger());
  CHECK(ledger.entries() == 171);
  check_strict(encoded,
               [](core::ByteView bytes) { return repo::store::decode_ledger(bytes).has_value(); });
}

TEST_CASE("A ledger with impossible numbers is corrupt", "[catalogue]") {
  Ledger ledger = some_ledger();
  SECTION("a run from the future") { ledger.runs[0].number = 300; }
  SECTION("a run twice") { ledger.runs[1].number = 299; }
  SECTION("a run that is doomed") { ledger.doomed[0] = 5; }
  SECTION("an empty run") { ledger.runs[1].entries = 0; }
  SECTION("too few leaves") { ledger.runs[0].leaves = 1; }
  SECTION("too many leaves") { ledger.runs[1].leaves = 2; }
  CHECK(outcome(repo::store::decode_ledger(repo::store::encode_ledger(ledger))) == "corrupt");
}

TEST_CASE("A pack's summary is what was encoded", "[catalogue]") {
  SeededRandom random(1);
  const auto pack = make_pack(random, random_chunks(random, 40));
  const core::Bytes encoded = repo::store::encode_pack_summary(pack);
  const auto summary = repo::store::decode_pack_summary(PackNumber{7}, encoded);
  REQUIRE(summary);
  CHECK(summary->number == PackNumber{7});
  CHECK(summary->id == pack.id);
  CHECK(summary->size_bytes == pack.size_bytes);
  CHECK(summary->kind == pack.directory.kind);
  CHECK(summary->keys == pack.directory.keys);
  CHECK(summary->blocks.size() == 3);
  CHECK(summary->blocks[1].offset_bytes ==
        repo::format::kPackHeaderBytes + pack.directory.blocks[0].stored_bytes);
  const auto brief = repo::store::decode_pack_brief(encoded);
  REQUIRE(brief);
  CHECK(brief->id == pack.id);
  CHECK(brief->size_bytes == pack.size_bytes);
  check_strict(encoded, [](core::ByteView bytes) {
    return repo::store::decode_pack_summary(PackNumber{7}, bytes).has_value();
  });
}

TEST_CASE("A summary whose numbers break a limit is corrupt", "[catalogue]") {
  SeededRandom random(2);
  auto pack = make_pack(random, random_chunks(random, 3));
  SECTION("the blocks are larger than the pack") { pack.size_bytes = 50; }
  SECTION("a key that is not there") { pack.directory.blocks[0].key = 9; }
  SECTION("no keys") { pack.directory.keys.clear(); }
  SECTION("no blocks") { pack.directory.blocks.clear(); }
  SECTION("an unknown kind") { pack.directory.kind = static_cast<repo::format::BlockKind>(3); }
  SECTION("an unknown codec") {
    pack.directory.blocks[0].codec = static_cast<repo::format::BlockCodec>(2);
  }
  const auto decoded =
      repo::store::decode_pack_summary(PackNumber{1}, repo::store::encode_pack_summary(pack));
  CHECK(outcome(decoded) == "corrupt");
}

TEST_CASE("Small records are what was encoded", "[catalogue]") {
  const repo::store::PackUse use{.segments = 3, .chunks = 1000};
  CHECK(*repo::store::decode_pack_use(repo::store::encode_pack_use(use)) == use);
  CHECK(outcome(repo::store::decode_pack_use(repo::store::encode_pack_use({}))) == "corrupt");

  const std::vector packs{PackNumber{900}, PackNumber{1}, PackNumber{70000}};
  const std::vector sorted{PackNumber{1}, PackNumber{900}, PackNumber{70000}};
  const core::Bytes encoded = repo::store::encode_segment_packs(packs);
  CHECK(*repo::store::decode_segment_packs(encoded) == sorted);
  check_strict(encoded, [](core::ByteView bytes) {
    return repo::store::decode_segment_packs(bytes).has_value();
  });
  const std::vector twice{PackNumber{1}, PackNumber{1}};
  CHECK_FALSE(repo::store::decode_segment_packs(repo::store::encode_segment_packs(twice)));

  const core::Bytes number = repo::store::encode_pack_number(PackNumber{0x01020304});
  CHECK(*repo::store::decode_pack_number(number) == PackNumber{0x01020304});
  CHECK_FALSE(repo::store::decode_pack_number(core::ByteView(number).first(3)));
  CHECK_FALSE(repo::store::pack_number_from_key(core::ByteView(number).first(3)));
}

}  // namespace
}  // namespace cairn::test
