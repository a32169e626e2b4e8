#include "store/catalogue/run_filter.h"

#include <algorithm>
#include <vector>

#include "catch2.h"
#include "outcome.h"
#include "seeded_random.h"

namespace cairn::test {
namespace {

using repo::ChunkId;
using repo::store::filter_lines;
using repo::store::filter_pieces;
using repo::store::FilterBuilder;
using repo::store::FilterQuestion;
using repo::store::kFilterPieceBytes;
using repo::store::kFilterPieceLines;

std::vector<ChunkId> random_ids(SeededRandom& random, std::size_t count) {
  std::vector<ChunkId> ids(count);
  for (ChunkId& id : ids) {
    random.fill(id.mutable_view());
  }
  return ids;
}

/// A filter of sorted ids, with all its pieces.
class Filter {
 public:
  explicit Filter(std::vector<ChunkId> ids) : lines_(filter_lines(ids.size())) {
    std::sort(ids.begin(), ids.end());
    FilterBuilder builder(lines_, [this](std::uint32_t piece, core::ByteView bytes) {
      in_order_ = in_order_ && piece == pieces_.size();
      pieces_.push_back(core::to_bytes(bytes));
      return core::Status();
    });
    for (const ChunkId& id : ids) {
      REQUIRE(builder.add(id.view().data(), repo::store::id_prefix(id.view().data())));
    }
    REQUIRE(builder.finish());
  }

  [[nodiscard]] bool maybe_has(const ChunkId& id) const {
    const FilterQuestion question(id);
    const std::uint32_t line = question.line(lines_);
    return question.maybe_in(pieces_.at(line / kFilterPieceLines), line);
  }
  [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }
  [[nodiscard]] bool complete() const {
    return in_order_ && pieces_.size() == filter_pieces(lines_) &&
           std::all_of(pieces_.begin(), pieces_.end(),
                       [](const core::Bytes& piece) { return piece.size() == kFilterPieceBytes; });
  }

 private:
  std::uint32_t lines_;
  std::vector<core::Bytes> pieces_;
  bool in_order_ = true;
};

TEST_CASE("A filter knows all its ids and few others", "[catalogue]") {
  const std::size_t count = GENERATE(86U, 1000U, 2688U, 20000U, 100000U);
  SeededRandom random(count);
  const std::vector<ChunkId> ids = random_ids(random, count);
  const Filter filter(ids);
  CHECK(filter.complete());
  CHECK(
      std::all_of(ids.begin(), ids.end(), [&](const ChunkId& id) { return filter.maybe_has(id); }));
  const std::vector<ChunkId> others = random_ids(random, 100000);
  const auto wrong = std::count_if(others.begin(), others.end(),
                                   [&](const ChunkId& id) { return filter.maybe_has(id); });
  CHECK(wrong < 800);  // 0.45 % are expected
  CHECK(wrong > 10);   // or it would be larger than it needs to be
}

TEST_CASE("Ids that are not uniform cost a filter its use, not its truth", "[catalogue]") {
  SeededRandom random(1);
  std::vector<ChunkId> ids = random_ids(random, 5000);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::fill_n(ids[i].mutable_view().begin(), 8, i % 2 == 0 ? std::byte{0x00} : std::byte{0xff});
  }
  const Filter filter(ids);
  CHECK(filter.complete());
  CHECK(
      std::all_of(ids.begin(), ids.end(), [&](const ChunkId& id) { return filter.maybe_has(id); }));
}

TEST_CASE("Sizes of filters", "[catalogue]") {
  CHECK(filter_lines(0) == 0);
  CHECK(filter_lines(85) == 0);
  CHECK(filter_lines(86) == 3);
  CHECK(filter_lines(1'000'000) == 23438);
  CHECK(filter_lines(UINT64_MAX) == UINT32_MAX);
  CHECK(filter_pieces(0) == 0);
  CHECK(filter_pieces(1) == 1);
  CHECK(filter_pieces(63) == 1);
  CHECK(filter_pieces(64) == 2);
}

TEST_CASE("A filter that cannot be written says so", "[catalogue]") {
  SeededRandom random(2);
  std::vector<ChunkId> ids = random_ids(random, 10000);
  std::sort(ids.begin(), ids.end());
  FilterBuilder builder(filter_lines(ids.size()), [](std::uint32_t piece, core::ByteView) {
    return piece == 0 ? core::Status()
                      : core::Status(core::fail(core::ErrorCode::no_space, "full"));
  });
  core::Status status;
  for (const ChunkId& id : ids) {
    status = builder.add(id.view().data(), repo::store::id_prefix(id.view().data()));
    if (!status) {
      break;
    }
  }
  CHECK(outcome(status) == "no_space");
}

}  // namespace
}  // namespace cairn::test
