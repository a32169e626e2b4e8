#include <algorithm>

#include "catalogue_fixture.h"
#include "catch2.h"
#include "outcome.h"

namespace cairn::test {
namespace {

using repo::format::IndexSegment;

TEST_CASE("A new catalogue is empty", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(1);
  CHECK(home->started_empty());
  CHECK(home->segments()->empty());
  CHECK(*home->find(random_id<ChunkId>(random)) == std::nullopt);
  CHECK(home->find_all({})->empty());
  CHECK(*home->find_pack(random_id<PackId>(random)) == std::nullopt);
  CHECK(outcome(home->pack(repo::store::PackNumber{1})) == "not_found");
  CHECK(difference(*home, CatalogueModel()).empty());
  const auto statistics = home->statistics();
  REQUIRE(statistics);
  CHECK(statistics->segments == 0);
  CHECK(statistics->packs == 0);
  CHECK(statistics->chunks == 0);
  CHECK(statistics->levels == 0);
  CHECK(statistics->disk_bytes > 0);
}

TEST_CASE("A segment's chunks and packs are found, also after reopening", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(2);
  CatalogueModel model;
  const auto id = random_id<IndexSegmentId>(random);
  const IndexSegment segment = make_segment(random, 1000);
  REQUIRE(home->ingest(id, segment));
  model.ingest(id, segment);
  CHECK(difference(*home, model).empty());
  CHECK(home->statistics()->chunks == 1000);

  SECTION("again changes nothing") {
    REQUIRE(home->ingest(id, segment));
    CHECK(home->statistics()->chunks == 1000);
    CHECK(home->statistics()->levels == 1);
  }
  home.open();
  CHECK_FALSE(home->started_empty());
  CHECK(difference(*home, model).empty());
  CHECK(*home->find(random_id<ChunkId>(random)) == std::nullopt);
}

TEST_CASE("A segment may be empty", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(3);
  const auto id = random_id<IndexSegmentId>(random);
  REQUIRE(home->ingest(id, IndexSegment()));
  CHECK(home->segments() == std::vector<IndexSegmentId>{id});
  CHECK(home->statistics()->levels == 0);
  REQUIRE(home->retain({}));
  CHECK(home->segments()->empty());
}

TEST_CASE("A pack listed by several segments is kept once and dies with the last", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(4);
  const IndexSegment segment = make_segment(random, 100);
  IndexSegment other = make_segment(random, 10);
  other.packs.push_back(segment.packs.front());
  other.packs.push_back(segment.packs.front());  // and twice in one segment
  const auto first = random_id<IndexSegmentId>(random);
  const auto second = random_id<IndexSegmentId>(random);
  REQUIRE(home->ingest(first, segment));
  const auto number = home->find_pack(segment.packs.front().id);
  REQUIRE(home->ingest(second, other));
  CHECK(home->statistics()->packs == 2);
  CHECK(home->statistics()->chunks == 110);
  CHECK(*home->find_pack(segment.packs.front().id) == *number);

  REQUIRE(home->retain(std::vector{second}));
  CHECK(home->find(chunk_of(segment))->has_value());
  REQUIRE(home->retain({}));
  CHECK(*home->find(chunk_of(segment)) == std::nullopt);
  CHECK(*home->find_pack(segment.packs.front().id) == std::nullopt);
  CHECK(outcome(home->pack(**number)) == "not_found");
  CHECK(home->statistics()->packs == 0);
}

TEST_CASE("A dead pack may come back, under a new number", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(5);
  const IndexSegment segment = make_segment(random, 20);
  const IndexSegment other = make_segment(random, 100);
  const auto keep = random_id<IndexSegmentId>(random);
  REQUIRE(home->ingest(keep, other));
  REQUIRE(home->ingest(random_id<IndexSegmentId>(random), segment));
  const auto before = home->find_pack(segment.packs.front().id);
  REQUIRE(home->retain(std::vector{keep}));
  REQUIRE(home->ingest(random_id<IndexSegmentId>(random), segment));
  const auto after = home->find_pack(segment.packs.front().id);
  REQUIRE(*after);
  CHECK(**after > **before);
  CHECK((*home->find(chunk_of(segment)))->pack == **after);
}

TEST_CASE("A chunk in a dead and in a living pack is found in the living one", "[catalogue]") {
  // Both in one run (merged) and in two, the living one before and behind.
  const std::size_t padding = GENERATE(0U, 500U);
  const bool dead_first = GENERATE(true, false);
  const CatalogueHome home;
  SeededRandom random(6);
  const std::vector<ChunkId> shared = random_chunks(random, 30);
  IndexSegment dying;
  dying.packs.push_back(make_pack(random, shared));
  IndexSegment living;
  living.packs.push_back(make_pack(random, shared));
  if (padding != 0) {
    living.packs.push_back(make_pack(random, random_chunks(random, padding)));
  }
  const auto dying_id = random_id<IndexSegmentId>(random);
  const auto living_id = random_id<IndexSegmentId>(random);
  REQUIRE(home->ingest(dead_first ? dying_id : living_id, dead_first ? dying : living));
  REQUIRE(home->ingest(dead_first ? living_id : dying_id, dead_first ? living : dying));
  REQUIRE(home->retain(std::vector{living_id}));
  const auto number = home->find_pack(living.packs.front().id);
  for (const ChunkId& id : shared) {
    const auto found = home->find(id);
    REQUIRE(*found);
    CHECK((*found)->pack == **number);
  }
}

TEST_CASE("An id that occurs more often than a leaf holds is found while one place lives",
          "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(7);
  const auto id = random_id<ChunkId>(random);
  std::vector<IndexSegmentId> segments;
  for (int i = 0; i < 200; ++i) {
    IndexSegment segment = make_segment(random, 2);
    segment.packs.push_back(make_pack(random, {id}));
    segments.push_back(random_id<IndexSegmentId>(random));
    REQUIRE(home->ingest(segments.back(), segment));
  }
  CHECK(home->statistics()->chunks == 600);
  std::reverse(segments.begin(), segments.end());
  while (!segments.empty()) {
    CHECK(home->find(id)->has_value());
    segments.resize(segments.size() / 2);
    REQUIRE(home->retain(segments));
  }
  CHECK(*home->find(id) == std::nullopt);
}

TEST_CASE("Ids that share their first bytes are told apart", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(8);
  std::vector<ChunkId> ids = random_chunks(random, 1000);
  for (ChunkId& id : ids) {
    std::fill_n(id.mutable_view().begin(), 16, std::byte{0x55});
  }
  const ChunkId absent = ids.back();
  ids.pop_back();
  IndexSegment segment;
  segment.packs.push_back(make_pack(random, ids));
  CatalogueModel model;
  const auto id = random_id<IndexSegmentId>(random);
  REQUIRE(home->ingest(id, segment));
  model.ingest(id, segment);
  CHECK(difference(*home, model).empty());
  CHECK(*home->find(absent) == std::nullopt);
}

TEST_CASE("The least and the greatest id are found", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(9);
  std::vector<ChunkId> ids = random_chunks(random, 400);
  std::fill_n(ids[0].mutable_view().begin(), ChunkId::kSize, std::byte{0x00});
  std::fill_n(ids[1].mutable_view().begin(), ChunkId::kSize, std::byte{0xff});
  IndexSegment segment;
  segment.packs.push_back(make_pack(random, ids));
  REQUIRE(home->ingest(random_id<IndexSegmentId>(random), segment));
  CHECK(home->find(ids[0])->has_value());
  CHECK(home->find(ids[1])->has_value());
}

TEST_CASE("A segment with an impossible pack is refused whole", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(10);
  IndexSegment segment = make_segment(random, 100);
  segment.packs.push_back(make_pack(random, random_chunks(random, 40)));
  auto& pack = segment.packs.back();
  SECTION("a key that is not there") { pack.directory.blocks[1].key = 99; }
  SECTION("no keys") { pack.directory.keys.clear(); }
  SECTION("no blocks") { pack.directory.blocks.clear(); }
  SECTION("blocks larger than the pack") { pack.size_bytes = 300; }
  SECTION("chunks that do not fill the block") { ++pack.directory.blocks[0].plain_bytes; }
  const core::Status status = home->ingest(random_id<IndexSegmentId>(random), segment);
  CHECK(outcome(status) == "corrupt");
  CHECK(message_of(status).find(pack.id.short_hex()) != std::string::npos);
  CHECK(home->segments()->empty());
  CHECK(home->statistics()->packs == 0);
  CHECK(*home->find(chunk_of(segment)) == std::nullopt);
}

TEST_CASE("for_each_pack stops at the visitor's first error and may call back", "[catalogue]") {
  const CatalogueHome home;
  SeededRandom random(11);
  IndexSegment segment;
  for (int i = 0; i < 2500; ++i) {  // more than one portion
    segment.packs.push_back(make_pack(random, random_chunks(random, 1)));
  }
  REQUIRE(home->ingest(random_id<IndexSegmentId>(random), segment));
  int visits = 0;
  const auto visit = [&](repo::store::PackNumber number, const PackId& id, std::uint64_t,
                         auto) -> core::Status {
    CHECK(home->pack(number)->id == id);
    if (++visits == 2100) {
      REQUIRE(home->put_note("visited", {}));
      return core::fail(core::ErrorCode::interrupted, "enough");
    }
    return {};
  };
  CHECK(outcome(home->for_each_pack(visit)) == "interrupted");
  CHECK(visits == 2100);
}

TEST_CASE("Notes are kept by name", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(12);
  const core::Bytes large = random.bytes(100'000);
  REQUIRE(home->put_note("chain/b", large));
  REQUIRE(home->put_note("chain/a", core::as_view("1")));
  REQUIRE(home->put_note("chain", {}));
  REQUIRE(home->put_note("other", core::as_view("2")));
  REQUIRE(home->put_note("other", core::as_view("3")));
  const std::string longest(repo::store::kNoteNameBytesMax, 'x');
  REQUIRE(home->put_note(longest, core::as_view("4")));
  home.open();

  CHECK(core::to_string(**home->note("other")) == "3");
  CHECK((*home->note("chain"))->empty());
  CHECK(*home->note("absent") == std::nullopt);
  CHECK(core::to_string(**home->note(longest)) == "4");
  const auto chain = home->notes("chain/");
  REQUIRE(chain->size() == 2);
  CHECK((*chain)[0].first == "chain/a");
  CHECK(core::equal((*chain)[1].second, large));
  CHECK(home->notes("")->size() == 5);
  CHECK(home->notes("zzz")->empty());

  REQUIRE(home->remove_note("chain/a"));
  REQUIRE(home->remove_note("chain/a"));
  CHECK(home->notes("chain")->size() == 2);
  CHECK(outcome(home->put_note(longest + "x", {})) == "invalid_argument");
  CHECK(outcome(home->put_note("", {})) == "invalid_argument");
  CHECK(outcome(home->note("")) == "invalid_argument");
}

TEST_CASE("A full map grows", "[catalogue]") {
  const TempFolder temp;
  SeededRandom random(13);
  CatalogueModel model;
  auto catalogue = open_lmdb_catalogue({.folder = temp / "small",
                                        .repository = named_id<repo::RepositoryId>("repository"),
                                        .map_bytes = 64 * 1024},
                                       small_tuning());
  REQUIRE(catalogue);
  for (int i = 0; i < 10; ++i) {
    const auto id = random_id<IndexSegmentId>(random);
    const IndexSegment segment = make_segment(random, 3000);
    REQUIRE((*catalogue)->ingest(id, segment));
    model.ingest(id, segment);
    CHECK((*catalogue)->find(chunk_of(segment))->has_value());
  }
  REQUIRE((*catalogue)->put_note("large", random.bytes(10'000'000)));
  CHECK(difference(**catalogue, model).empty());
}

}  // namespace
}  // namespace cairn::test
