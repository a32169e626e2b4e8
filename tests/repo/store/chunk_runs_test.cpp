#include "store/catalogue/chunk_runs.h"

#include <algorithm>

#include "catch2.h"
#include "outcome.h"
#include "seeded_random.h"

namespace cairn::test {
namespace {

using repo::ChunkId;
using repo::store::ChunkLocation;
using repo::store::kEntryBytes;
using repo::store::kLeafBytes;
using repo::store::MergePolicy;
using repo::store::PackNumber;
using repo::store::plan_merge;
using repo::store::RunInfo;

std::vector<RunInfo> runs_of(const std::vector<std::uint64_t>& entries) {
  std::vector<RunInfo> runs;
  for (const std::uint64_t count : entries) {
    runs.push_back({.number = static_cast<std::uint32_t>(runs.size()), .entries = count});
  }
  return runs;
}

TEST_CASE("An entry is what was encoded, or corrupt", "[catalogue]") {
  SeededRandom random(1);
  ChunkId id;
  random.fill(id.mutable_view());
  const ChunkLocation location{.pack = PackNumber{0x01020304},
                               .block = 65535,
                               .offset_bytes = 0x00fffffe,
                               .length_bytes = 2};
  core::Bytes entry(kEntryBytes);
  repo::store::encode_entry(entry.data(), id, location);
  CHECK(core::equal(core::ByteView(entry).first(32), id.view()));
  CHECK(*repo::store::decode_entry(entry.data()) == location);
  CHECK(repo::store::entry_pack(entry.data()) == location.pack);
  // One block or one byte more than there can be.
  core::Bytes damaged = entry;
  damaged[38] = std::byte{1};
  CHECK(outcome(repo::store::decode_entry(damaged.data())) == "corrupt");
  damaged = entry;
  damaged[44] = std::byte{3};
  CHECK(outcome(repo::store::decode_entry(damaged.data())) == "corrupt");
}

TEST_CASE("Leaf keys sort by run, prefix and position", "[catalogue]") {
  using repo::store::leaf_key;
  const std::vector keys{leaf_key(1, 0, 0),   leaf_key(1, 5, 0),   leaf_key(1, 5, 1),
                         leaf_key(1, 5, 256), leaf_key(1, 256, 0), leaf_key(1, UINT64_MAX, 7),
                         leaf_key(2, 0, 0),   leaf_key(256, 0, 0), leaf_key(UINT32_MAX, 0, 0)};
  CHECK(std::is_sorted(keys.begin(), keys.end()));
  CHECK(*repo::store::leaf_run(keys[7]) == 256);
  CHECK(outcome(repo::store::leaf_run(core::ByteView(keys[7]).first(15))) == "corrupt");
}

TEST_CASE("A leaf has 1 to 85 whole entries", "[catalogue]") {
  const core::Bytes bytes(kLeafBytes + kEntryBytes);
  const auto entries = [&](std::size_t size) {
    return repo::store::leaf_entries(core::ByteView(bytes).first(size));
  };
  CHECK(*entries(kEntryBytes) == 1);
  CHECK(*entries(kLeafBytes) == 85);
  CHECK(outcome(entries(0)) == "corrupt");
  CHECK(outcome(entries(kEntryBytes - 1)) == "corrupt");
  CHECK(outcome(entries(kLeafBytes + kEntryBytes)) == "corrupt");
}

TEST_CASE("Which runs are merged", "[catalogue]") {
  // Classes end at 10, 40, 160, 640.
  const MergePolicy policy{.small_entries = 10, .fan_out = 4};
  const auto plan = [&](const std::vector<std::uint64_t>& entries, std::uint64_t fresh) {
    return plan_merge(runs_of(entries), fresh, policy);
  };
  using Positions = std::vector<std::size_t>;
  CHECK(plan({}, 1).empty());
  CHECK(plan({100, 20}, 1).empty());
  // Small ones always.
  CHECK(plan({100, 20, 3}, 1) == Positions{2});
  // The fourth of a class, with whatever is smaller.
  CHECK(plan({30, 20}, 15).empty());
  CHECK(plan({30, 20, 12}, 15) == Positions{0, 1, 2});
  CHECK(plan({200, 30, 20, 12, 5}, 15) == Positions{1, 2, 3, 4});
  // Smaller ones alone.
  CHECK(plan({200, 30, 5}, 100) == Positions{1, 2});
  // The result may fill the next class in turn.
  CHECK(plan({150, 120, 50, 30, 20, 12}, 15) == Positions{0, 1, 2, 3, 4, 5});
  // Small ones that outgrow their class.
  CHECK(plan({39, 38, 37, 10}, 1) == Positions{0, 1, 2, 3});
}

TEST_CASE("A policy keeps runs few and writes each entry a few times", "[catalogue]") {
  const MergePolicy policy;
  SeededRandom random(1);
  std::vector<RunInfo> runs;
  std::uint64_t total = 0;
  std::uint64_t written = 0;
  std::size_t runs_max = 0;
  const bool mixed = GENERATE(false, true);
  for (int i = 0; i < 20000; ++i) {
    std::uint64_t fresh = 1000;
    if (mixed) {
      fresh = random.below(100) == 0 ? 65536 : 1 + random.below(1000);
    }
    std::uint64_t entries = fresh;
    const auto merged = plan_merge(runs, fresh, policy);
    for (auto at = merged.rbegin(); at != merged.rend(); ++at) {
      entries += runs[*at].entries;
      runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(*at));
    }
    runs.push_back({.number = 0, .entries = entries});
    total += fresh;
    written += entries;
    runs_max = std::max(runs_max, runs.size());
  }
  CHECK(total > 10'000'000);
  CHECK(runs_max <= 24);
  CHECK(written < 9 * total);
}

}  // namespace
}  // namespace cairn::test
