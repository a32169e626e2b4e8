// Lookups from several threads while one or more write.

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "catalogue_fixture.h"
#include "catch2.h"
#include "outcome.h"

namespace cairn::test {
namespace {

using repo::format::IndexSegment;

constexpr std::size_t kChunksOfSegment = 60;

struct Made {
  std::vector<IndexSegmentId> ids;
  std::vector<IndexSegment> segments;
};

Made make_segments(SeededRandom& random, std::size_t count) {
  Made made;
  for (std::size_t i = 0; i < count; ++i) {
    made.ids.push_back(random_id<IndexSegmentId>(random));
    made.segments.push_back(make_segment(random, kChunksOfSegment));
  }
  return made;
}

/// Looks for chunks of segments that are in (below `known`) until told to stop. Empty, or what went
/// wrong.
std::string look_up(const Catalogue& catalogue, const Made& made,
                    const std::atomic<std::size_t>& known, const std::atomic<bool>& stop,
                    std::uint64_t seed) {
  SeededRandom random(seed);
  while (!stop) {
    const std::size_t limit = known;
    if (limit == 0) {
      continue;
    }
    std::vector<ChunkId> ids;
    for (int i = 0; i < 8; ++i) {
      const IndexSegment& segment = made.segments[random.below(limit)];
      ids.push_back(chunk_of(segment, random.below(3), random.below(16)));
    }
    const auto one = catalogue.find(ids.front());
    const auto all = catalogue.find_all(ids);
    const auto absent = catalogue.find(random_id<ChunkId>(random));
    if (!one || !all || !absent) {
      return message_of(one) + message_of(all) + message_of(absent);
    }
    if (!*one || *absent) {
      return !*one ? "one is missing" : "found what was never put in";
    }
    const auto pack = catalogue.pack((*one)->pack);
    if (!pack) {
      return "its pack: " + message_of(pack);
    }
    if (!std::ranges::all_of(*all, [](const auto& location) { return location.has_value(); })) {
      return "some are missing";
    }
  }
  return {};
}

TEST_CASE("Threads find what was ingested while more is ingested", "[catalogue][threads]") {
  const TempFolder temp;
  CatalogueOptions options{.folder = temp / "catalogue",
                           .repository = named_id<repo::RepositoryId>("repository")};
  SECTION("in a map that is large enough") {}
  SECTION("in a map that is replaced under the readers") { options.map_bytes = 64 * 1024; }
  const auto catalogue = open_lmdb_catalogue(options, small_tuning());
  REQUIRE(catalogue);
  SeededRandom random(1);
  const Made made = make_segments(random, 60);

  std::atomic<std::size_t> known = 0;
  std::atomic<bool> stop = false;
  std::array<std::string, 3> failures;
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < failures.size(); ++i) {
    readers.emplace_back(
        [&, i] { failures[i] = look_up(**catalogue, made, known, stop, 101 + i); });
  }
  bool written = true;
  for (std::size_t i = 0; i < made.ids.size(); ++i) {
    written = written && (*catalogue)->ingest(made.ids[i], made.segments[i]).has_value();
    known = i + 1;
  }
  stop = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(written);
  CHECK(failures == std::array<std::string, 3>());
  CHECK((*catalogue)->statistics()->chunks == 60 * kChunksOfSegment);
}

TEST_CASE("Threads that write wait for each other", "[catalogue][threads]") {
  CatalogueHome home;
  SeededRandom random(2);
  const Made made = make_segments(random, 40);
  std::atomic<int> failures = 0;
  std::vector<std::thread> writers;
  for (std::size_t first = 0; first < 4; ++first) {
    writers.emplace_back([&, first] {
      for (std::size_t i = first; i < made.ids.size(); i += 2) {  // each segment by two threads
        const std::size_t at = i % made.ids.size();
        if (!home->ingest(made.ids[at], made.segments[at]) ||
            !home->put_note("note/" + std::to_string(at), {})) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  CHECK(failures == 0);
  CHECK(home->statistics()->chunks == 40 * kChunksOfSegment);
  CHECK(home->notes("note/")->size() == 40);
  CatalogueModel model;
  for (std::size_t i = 0; i < made.ids.size(); ++i) {
    model.ingest(made.ids[i], made.segments[i]);
  }
  CHECK(difference(*home, model) == "");
}

}  // namespace
}  // namespace cairn::test
