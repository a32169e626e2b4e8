// Catalogues and processes: killed ones, and several at a time.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "catalogue_fixture.h"
#include "catch2.h"
#include "forked_process.h"
#include "outcome.h"

namespace cairn::test {
namespace {

using repo::format::IndexSegment;
using repo::store::CatalogueStep;

struct NamedSegment {
  IndexSegmentId id;
  IndexSegment segment;
};

std::vector<NamedSegment> make_segments(SeededRandom& random, std::size_t count,
                                        std::size_t chunks) {
  std::vector<NamedSegment> segments(count);
  for (NamedSegment& made : segments) {
    made.id = random_id<IndexSegmentId>(random);
    made.segment = make_segment(random, chunks);
  }
  return segments;
}

void ingest(Catalogue& catalogue, CatalogueModel& model, const NamedSegment& made) {
  REQUIRE(catalogue.ingest(made.id, made.segment));
  model.ingest(made.id, made.segment);
}

int exit_code(const core::Status& status) { return status ? 0 : 1; }

TEST_CASE("A process killed at any step of a change loses nothing that was committed",
          "[catalogue]") {
  // What is interrupted merges several runs in several transactions, and cleans up in several more.
  const bool by_retain = GENERATE(false, true);
  SeededRandom random(1);
  const std::vector<NamedSegment> segments = make_segments(random, 8, 300);
  const NamedSegment late = make_segments(random, 1, 3000).front();
  std::vector<IndexSegmentId> kept;
  for (const NamedSegment& made : segments) {
    kept.push_back(made.id);
  }
  kept.resize(2);

  CatalogueHome original;
  CatalogueModel before;
  for (const NamedSegment& made : segments) {
    ingest(*original, before, made);
  }
  original.close();

  int steps = 0;
  int unfinished = 0;
  std::string end;
  for (int stop_at = 1; end != "exit 0"; ++stop_at) {
    REQUIRE(stop_at < 500);
    CatalogueHome home;
    home.close();
    std::filesystem::copy(original.folder(), home.folder(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
    home.tuning().on_step = [&, step = 0](CatalogueStep) mutable {
      if (++step == stop_at) {
        ::_exit(9);
      }
    };
    end = in_child([&] {
      auto catalogue = home.try_open();
      if (!catalogue) {
        return 2;
      }
      return exit_code(by_retain ? (*catalogue)->retain(kept)
                                 : (*catalogue)->ingest(late.id, late.segment));
    });
    REQUIRE((end == "exit 9" || end == "exit 0"));
    ++steps;

    home.tuning().on_step = [](CatalogueStep) {};
    home.open();
    REQUIRE_FALSE(home->started_empty());
    CatalogueModel after = before;
    by_retain ? after.retain(kept) : after.ingest(late.id, late.segment);
    const bool changed =
        by_retain ? home->segments()->size() == 2 : home->segments()->size() == segments.size() + 1;
    // A retain may have forgotten some of the segments: then it is only not over yet.
    if (!by_retain || changed || home->segments()->size() == segments.size()) {
      REQUIRE(difference(*home, changed ? after : before) == "");
    }
    unfinished += changed ? 0 : 1;

    // The next change cleans up, and the same change done again comes to its end.
    const core::Status again = by_retain ? home->retain(kept) : home->ingest(late.id, late.segment);
    REQUIRE(again);
    CHECK(difference(*home, after) == "");
    ingest(*home, after, make_segments(random, 1, 50).front());
    CHECK(difference(*home, after) == "");
  }
  CHECK(steps > 20);
  // A retain forgets its segments first; what remains is to write the runs without their chunks.
  CHECK((by_retain || unfinished > 5));
}

TEST_CASE("What a killed process leaves in the file is used again", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(2);
  REQUIRE(home->ingest(random_id<IndexSegmentId>(random), make_segment(random, 100)));
  const NamedSegment large = make_segments(random, 1, 20000).front();
  home.close();
  std::uint64_t size = 0;
  for (int round = 0; round < 10; ++round) {
    home.tuning().on_step = [step = 0](CatalogueStep) mutable {
      if (++step == 60) {
        ::_exit(9);
      }
    };
    REQUIRE(in_child([&] {
              auto catalogue = home.try_open();
              return catalogue ? exit_code((*catalogue)->ingest(large.id, large.segment)) : 2;
            }) == "exit 9");
    size = std::max(size, std::filesystem::file_size(home.file("data.mdb")));
    if (round == 1) {
      CHECK(size > 100'000);
      size *= 2;
    }
    CHECK(std::filesystem::file_size(home.file("data.mdb")) <= size);
  }
}

TEST_CASE("Two processes see each other's changes and write in turn", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(3);
  const std::vector<NamedSegment> ours = make_segments(random, 20, 40);
  const std::vector<NamedSegment> theirs = make_segments(random, 20, 60);
  home.close();
  const Signal our_turn;
  const Signal their_turn;
  ForkedProcess child([&] {
    auto opened = home.try_open();
    if (!opened) {
      return 2;
    }
    Catalogue& catalogue = **opened;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      their_turn.wait();
      const bool seen = catalogue.find(chunk_of(ours[i].segment))->has_value();
      const core::Status done = catalogue.ingest(theirs[i].id, theirs[i].segment);
      our_turn.signal();
      if (!seen || !done) {
        return 3;
      }
    }
    return 0;
  });

  home.open();
  CatalogueModel model;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ingest(*home, model, ours[i]);
    CHECK(*home->find(chunk_of(theirs[i].segment)) == std::nullopt);
    their_turn.signal();
    our_turn.wait();
    CHECK(home->find(chunk_of(theirs[i].segment))->has_value());
    model.ingest(theirs[i].id, theirs[i].segment);
  }
  CHECK(child.wait() == "exit 0");
  CHECK(difference(*home, model) == "");
  home.open();
  CHECK_FALSE(home->started_empty());
  CHECK(difference(*home, model) == "");
}

TEST_CASE("Processes that open, fill and close one catalogue at the same time", "[catalogue]") {
  const TempFolder temp;
  const CatalogueOptions options{.folder = temp / "catalogue",
                                 .repository = named_id<repo::RepositoryId>("repository")};
  SeededRandom random(4);
  std::vector<NamedSegment> segments = make_segments(random, 30, 50);
  CatalogueModel model;
  for (const NamedSegment& made : segments) {
    model.ingest(made.id, made.segment);
  }
  const auto fill = [&](bool backwards) {
    std::vector<NamedSegment> order = segments;
    if (backwards) {
      std::reverse(order.begin(), order.end());
    }
    for (std::size_t i = 0; i < order.size(); i += 10) {
      auto catalogue = repo::store::open_lmdb_catalogue(options, small_tuning());
      if (!catalogue) {
        return 2;
      }
      for (std::size_t j = i; j < i + 10; ++j) {
        if (!(*catalogue)->ingest(order[j].id, order[j].segment) ||
            !*(*catalogue)->find(chunk_of(order[j].segment))) {
          return 3;
        }
      }
    }
    return 0;
  };
  ForkedProcess forwards([&] { return fill(false); });
  ForkedProcess backwards([&] { return fill(true); });
  CHECK(forwards.wait() == "exit 0");
  CHECK(backwards.wait() == "exit 0");
  const auto catalogue = repo::store::open_lmdb_catalogue(options, small_tuning());
  REQUIRE(catalogue);
  CHECK_FALSE((*catalogue)->started_empty());
  CHECK((*catalogue)->statistics()->chunks == 30 * 50);
  CHECK(difference(**catalogue, model) == "");
}

TEST_CASE("A catalogue discarded under another process harms neither", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(5);
  const std::vector<NamedSegment> segments = make_segments(random, 4, 200);
  home.close();
  const Signal opened;
  const Signal discarded;
  ForkedProcess child([&] {
    {
      auto catalogue = home.try_open();
      if (!catalogue || !(*catalogue)->ingest(segments[0].id, segments[0].segment)) {
        return 2;
      }
      opened.signal();
      discarded.wait();
      if (!(*catalogue)->ingest(segments[1].id, segments[1].segment) ||
          !*(*catalogue)->find(chunk_of(segments[0].segment)) ||
          !*(*catalogue)->find(chunk_of(segments[1].segment))) {
        return 3;
      }
    }
    opened.signal();
    return 0;
  });
  opened.wait();
  REQUIRE(Catalogue::discard(home.folder()));
  home.open();
  CHECK(home->started_empty());
  CatalogueModel model;
  ingest(*home, model, segments[2]);
  discarded.signal();
  opened.wait();
  CHECK(child.wait() == "exit 0");
  // Its close must not have vouched for a file that is not its own.
  std::ifstream mark(home.file("state"), std::ios::binary);
  std::string bytes(16, '\0');
  mark.read(bytes.data(), 16);
  CHECK(bytes[12] == '\0');
  ingest(*home, model, segments[3]);
  CHECK(difference(*home, model) == "");
  home.open();
  CHECK(difference(*home, model) == "");
}

TEST_CASE("Readers in killed processes do not hold the file's pages for ever", "[catalogue]") {
  CatalogueHome home;
  SeededRandom random(6);
  REQUIRE(home->ingest(random_id<IndexSegmentId>(random), make_segment(random, 2000)));
  home.close();
  // Dies inside of a read transaction.
  REQUIRE(in_child([&] {
            auto env = repo::store::LmdbEnv::open({.folder = home.folder(),
                                                   .map_bytes = std::uint64_t{1} << 30,
                                                   .tables = repo::store::catalogue_tables()});
            if (!env) {
              return 2;
            }
            const auto reader = repo::store::LmdbReadTxn::begin(**env);
            ::_exit(reader ? 9 : 3);
          }) == "exit 9");
  home.open();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(home->retain({}));
    REQUIRE(home->ingest(random_id<IndexSegmentId>(random), make_segment(random, 2000)));
  }
  CHECK(home->statistics()->disk_bytes < 10 * 2000 * 48);
}

}  // namespace
}  // namespace cairn::test
