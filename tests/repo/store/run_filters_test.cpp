#include "store/catalogue/run_filters.h"

#include <string>
#include <vector>

#include "catch2.h"
#include "outcome.h"
#include "seeded_data.h"
#include "store/catalogue/chunk_runs.h"
#include "temp_folder.h"

namespace cairn::test {
namespace {

using repo::store::filter_key;
using repo::store::filter_table;
using repo::store::integer_key;
using repo::store::kFilterPieceBytes;
using repo::store::kFilterPieceLines;
using repo::store::LmdbEnv;
using repo::store::LmdbReadTxn;
using repo::store::LmdbWriteTxn;
using repo::store::RunFilter;
using repo::store::RunFilters;
using repo::store::RunInfo;

constexpr std::uint32_t kPieces = 3;
constexpr RunInfo kRun{
    .number = 7, .entries = 1000, .leaves = 1, .filter_lines = kPieces * kFilterPieceLines};

core::Bytes piece_bytes(std::uint32_t number) { return seeded_bytes(number, kFilterPieceBytes); }

/// A catalogue's environment with the filter of kRun in it.
class FilledEnvironment {
 public:
  FilledEnvironment() {
    repo::store::LmdbOptions options{.folder = folder_.path(),
                                     .map_bytes = std::uint64_t{64} * 1024 * 1024,
                                     .tables = repo::store::catalogue_tables(),
                                     .create = true};
    auto opened = LmdbEnv::open(options);
    REQUIRE(outcome(opened) == "ok");
    env_ = std::move(*opened);
    change([](LmdbWriteTxn& txn) {
      for (std::uint32_t i = 0; i < kPieces; ++i) {
        const std::uint64_t key = filter_key(kRun.number, i);
        REQUIRE(outcome(txn.put(filter_table, integer_key(key), piece_bytes(i))) == "ok");
      }
    });
  }
  template <class Body>
  void change(const Body& body) {
    auto txn = LmdbWriteTxn::begin(*env_);
    REQUIRE(outcome(txn) == "ok");
    body(*txn);
    REQUIRE(outcome(std::move(*txn).commit()) == "ok");
  }
  [[nodiscard]] LmdbReadTxn reading() {
    auto txn = LmdbReadTxn::begin(*env_);
    REQUIRE(outcome(txn) == "ok");
    return std::move(*txn);
  }

 private:
  TempFolder folder_;
  std::unique_ptr<LmdbEnv> env_;
};

void remove_piece(FilledEnvironment& environment, std::uint32_t number) {
  environment.change([&](LmdbWriteTxn& txn) {
    const std::uint64_t key = filter_key(kRun.number, number);
    const auto removed = txn.remove(filter_table, integer_key(key));
    REQUIRE((removed && *removed));
  });
}

TEST_CASE("a piece of a filter is read once, and then stays", "[catalogue]") {
  FilledEnvironment environment;
  RunFilters filters;
  const auto filter = filters.of(std::vector<RunInfo>{kRun}).front();
  REQUIRE(filter != nullptr);
  for (std::uint32_t i = 0; i < kPieces; ++i) {
    const auto txn = environment.reading();
    const auto piece = filter->piece(txn, kRun, i);
    REQUIRE(outcome(piece) == "ok");
    CHECK(core::equal(*piece, piece_bytes(i)));
  }
  remove_piece(environment, 1);
  const auto txn = environment.reading();
  const auto piece = filter->piece(txn, kRun, 1);
  REQUIRE(outcome(piece) == "ok");
  CHECK(core::equal(*piece, piece_bytes(1)));
}

TEST_CASE("a missing piece of a filter is damage", "[catalogue]") {
  FilledEnvironment environment;
  remove_piece(environment, 2);
  RunFilters filters;
  const auto filter = filters.of(std::vector<RunInfo>{kRun}).front();
  const auto txn = environment.reading();
  CHECK(message_of(filter->piece(txn, kRun, 2)).find("a piece of a filter is missing") !=
        std::string::npos);
  CHECK(outcome(filter->piece(txn, kRun, 0)) == "ok");
}

TEST_CASE("filters are shared, and give their room back", "[catalogue]") {
  // Two fill the room to the last byte.
  constexpr std::uint32_t kLargePieces = 8192;
  REQUIRE(2 * RunFilter::room_for(kLargePieces) == RunFilters::kBytesMax);
  const auto run = [](std::uint32_t number, std::uint32_t pieces) {
    return RunInfo{.number = number,
                   .entries = 1,
                   .leaves = 1,
                   .filter_lines = static_cast<std::uint32_t>(pieces * kFilterPieceLines)};
  };
  const RunInfo a = run(8, kLargePieces);
  const RunInfo b = run(9, kLargePieces);
  const RunInfo small = run(10, 1);
  const RunInfo without = run(11, 0);

  RunFilters filters;
  auto first = filters.of(std::vector<RunInfo>{a, without});
  REQUIRE(first.size() == 2);
  CHECK(first[0] != nullptr);
  CHECK(first[1] == nullptr);
  auto second = filters.of(std::vector<RunInfo>{b, a, small});
  CHECK(second[0] != nullptr);
  CHECK(second[1] == first[0]);
  CHECK(second[2] == nullptr);
  second.clear();
  CHECK(filters.of(std::vector<RunInfo>{small}).front() != nullptr);
}

TEST_CASE("values are read beside the map, and from a transaction that writes", "[catalogue]") {
  FilledEnvironment environment;
  const std::uint64_t key = filter_key(kRun.number, 0);
  core::Bytes out(kFilterPieceBytes);
  {
    const auto txn = environment.reading();
    const auto there = txn.read(filter_table, integer_key(key), out);
    REQUIRE((there && *there));
    CHECK(out == piece_bytes(0));
    const auto longer =
        txn.read(filter_table, integer_key(key), core::MutableByteView(out).first(9));
    REQUIRE(outcome(longer) == "ok");
    CHECK_FALSE(*longer);
    const std::uint64_t none = filter_key(kRun.number, kPieces);
    const auto missing = txn.read(filter_table, integer_key(none), out);
    REQUIRE(outcome(missing) == "ok");
    CHECK_FALSE(*missing);
  }
  environment.change([&](LmdbWriteTxn& txn) {
    REQUIRE(outcome(txn.put(filter_table, integer_key(key), piece_bytes(9))) == "ok");
    const auto there = txn.read(filter_table, integer_key(key), out);
    REQUIRE((there && *there));
    CHECK(out == piece_bytes(9));
  });
}

}  // namespace
}  // namespace cairn::test
