// The catalogue against a std::map, through random changes with small merges.

#include <fmt/format.h>

#include <algorithm>

#include "catalogue_fixture.h"
#include "catch2.h"

namespace cairn::test {
namespace {

using repo::format::IndexedPack;
using repo::format::IndexSegment;

/// Makes changes to a catalogue and its model.
class Changes {
 public:
  Changes(CatalogueHome& home, std::uint64_t seed) : home_(home), random_(seed) {}

  void step() {
    switch (random_.below(10)) {
      case 0:
        retain();
        break;
      case 1:
        home_.open();
        ++reopened;
        break;
      case 2:
        again();
        break;
      default:
        ingest();
    }
  }

  [[nodiscard]] std::string verdict() {
    std::string wrong = difference(*home_, model_);
    const auto living = model_.locations();
    for (const ChunkId& id : seen_) {
      if (wrong.empty() && !living.contains(id) && *home_->find(id) != std::nullopt) {
        wrong = "chunk " + id.short_hex() + " is found although its packs are dead";
      }
    }
    return wrong;
  }

  int reopened = 0;
  int repeated_packs = 0;
  int repeated_chunks = 0;
  int dropped_segments = 0;

 private:
  void ingest() {
    IndexSegment segment;
    const std::size_t packs = random_.below(4);
    for (std::size_t i = 0; i < packs; ++i) {
      if (!packs_.empty() && random_.below(4) == 0) {
        segment.packs.push_back(packs_[random_.below(packs_.size())]);
        ++repeated_packs;
      } else {
        segment.packs.push_back(make_pack(random_, chunks()));
        packs_.push_back(segment.packs.back());
      }
    }
    const auto id = random_id<IndexSegmentId>(random_);
    segments_[id] = segment;
    apply(id);
  }

  void again() {
    if (!segments_.empty()) {
      apply(
          std::next(segments_.begin(), static_cast<std::ptrdiff_t>(random_.below(segments_.size())))
              ->first);
    }
  }

  void apply(const IndexSegmentId& id) {
    REQUIRE(home_->ingest(id, segments_[id]));
    model_.ingest(id, segments_[id]);
  }

  void retain() {
    std::vector<IndexSegmentId> keep;
    for (const auto& [id, packs] : model_.segments()) {
      if (random_.below(3) != 0) {
        keep.push_back(id);
      } else {
        ++dropped_segments;
      }
    }
    keep.push_back(random_id<IndexSegmentId>(random_));  // listed, but never ingested
    REQUIRE(home_->retain(keep));
    model_.retain(keep);
  }

  std::vector<ChunkId> chunks() {
    const std::size_t large = random_.below(8) == 0 ? 400 : 20;
    std::vector<ChunkId> ids = random_chunks(random_, 1 + random_.below(large));
    for (ChunkId& id : ids) {
      if (!seen_.empty() && random_.below(5) == 0) {
        id = seen_[random_.below(seen_.size())];
        ++repeated_chunks;
      }
      seen_.push_back(id);
    }
    return ids;
  }

  CatalogueHome& home_;
  SeededRandom random_;
  CatalogueModel model_;
  std::map<IndexSegmentId, IndexSegment> segments_;
  std::vector<IndexedPack> packs_;
  std::vector<ChunkId> seen_;
};

TEST_CASE("A catalogue answers what a map answers", "[catalogue]") {
  const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  INFO("seed " << seed);
  CatalogueHome home;
  Changes changes(home, seed);
  for (int step = 0; step < 120; ++step) {
    changes.step();
    if (step % 10 == 9) {
      INFO("step " << step);
      REQUIRE(changes.verdict() == "");
    }
  }
  // What the seeds must have reached.
  CHECK(changes.reopened > 0);
  CHECK(changes.repeated_packs > 0);
  CHECK(changes.repeated_chunks > 0);
  CHECK(changes.dropped_segments > 0);
}

TEST_CASE("Runs stay few and nothing is lost around every merge", "[catalogue]") {
  // With small_tuning() classes end at 16, 48, 144, 432, ... entries.
  const std::size_t per_segment = GENERATE(1U, 15U, 16U, 17U, 48U, 49U, 85U, 86U);
  CatalogueHome home;
  SeededRandom random(per_segment);
  CatalogueModel model;
  std::uint64_t levels_max = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    const auto id = random_id<IndexSegmentId>(random);
    const IndexSegment segment = make_segment(random, per_segment);
    REQUIRE(home->ingest(id, segment));
    model.ingest(id, segment);
    const auto statistics = home->statistics();
    REQUIRE(statistics->chunks == per_segment * (i + 1));
    levels_max = std::max(levels_max, statistics->levels);
    if (i % 7 == 0) {
      REQUIRE(difference(*home, model) == "");
    }
  }
  CHECK(difference(*home, model) == "");
  CHECK(levels_max <= 12);
  CHECK(levels_max >= 2);
}

TEST_CASE("Dead packs give their space back", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(1);
  std::vector<IndexSegmentId> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(random_id<IndexSegmentId>(random));
    REQUIRE(home->ingest(ids.back(), make_segment(random, 1000)));
  }
  const auto size = home->statistics()->disk_bytes;
  // Below half of the entries nothing is rewritten, above it everything is.
  REQUIRE(home->retain(std::span(ids).subspan(4)));
  CHECK(home->statistics()->chunks == 10000);
  REQUIRE(home->retain(std::span(ids).subspan(6)));
  CHECK(home->statistics()->chunks == 4000);
  CHECK(home->statistics()->levels == 1);
  REQUIRE(home->retain({}));
  CHECK(home->statistics()->chunks == 0);
  CHECK(home->statistics()->levels == 0);
  // What was freed is used again.
  for (int round = 0; round < 20; ++round) {
    REQUIRE(home->ingest(random_id<IndexSegmentId>(random), make_segment(random, 5000)));
    REQUIRE(home->retain({}));
  }
  CHECK(home->statistics()->disk_bytes < 3 * size);
}

}  // namespace
}  // namespace cairn::test
