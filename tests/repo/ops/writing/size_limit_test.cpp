#include <algorithm>
#include <filesystem>

#include "cairn/core/size_text.h"
#include "cairn/repo/marks.h"
#include "cairn/repo/settings.h"
#include "collecting.h"
#include "ops/writing/storage_room.h"
#include "several_snapshots.h"
#include "store/packs/block_sealer.h"
#include "store/packs/pack_writer.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using repo::format::BlockKind;
using repo::ops::StorageRoom;

constexpr std::uint64_t kMiB = 1024 * 1024;

/// All that lies there, whoever put it there; but the reserve, which is no object.
std::uint64_t stored_bytes(const RepoFixture& fixture) {
  std::uint64_t bytes = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(fixture.at("repo"))) {
    const bool counts = item.is_regular_file() && item.path().filename() != "reserve";
    bytes += counts ? item.file_size() : 0;
  }
  return bytes;
}

/// A repository with one snapshot of a small file, and what is backed up next.
struct LimitedWorld : SeveralSnapshots {
  LimitedWorld() : SeveralSnapshots(1) {}

  void limit(std::uint64_t bytes) {
    REQUIRE(outcome(repo::change_settings(*repository, {.max_repo_bytes = bytes},
                                          fixture.observer)) == "ok");
  }
  /// Files that cannot be compressed, nor shared.
  void add_files(int count, std::uint64_t size_bytes) {
    std::vector<TreeObject> files;
    for (int i = 0; i < count; ++i) {
      files_ += 1;
      files.push_back(tree::file("big" + std::to_string(files_), size_bytes, 100 + files_));
    }
    REQUIRE(make_tree(fixture.at("source"), files).empty());
  }
  core::Result<repo::BackupReport> try_backup() {
    fixture.clock.advance(std::chrono::hours(1));
    return fixture.backup(*repository, {fixture.at("source")});
  }

 private:
  std::uint64_t files_ = 0;
};

}  // namespace

TEST_CASE("a writer's books: no limit, no refusal", "[limit]") {
  StorageRoom room({.max_bytes = 0, .stored_bytes = UINT64_MAX});
  const StorageRoom::Block block{.stored_bytes = 1ULL << 40, .chunks = 1'000'000};
  CHECK(room.fits(block));
  room.take(block);
  CHECK(room.fits(block));
  CHECK(outcome(room.check_snapshot({})) == "ok");
}

TEST_CASE("a writer's books: there is one size from which on a block fits", "[limit]") {
  const StorageRoom::Block block{.stored_bytes = 100'000, .chunks = 10};
  const auto fits_with = [&block](std::uint64_t max_bytes) {
    return StorageRoom({.max_bytes = max_bytes, .stored_bytes = 5'000}).fits(block);
  };
  std::uint64_t low = 1;
  std::uint64_t high = 1'000'000;
  REQUIRE(fits_with(high));
  while (high - low > 1) {
    const std::uint64_t middle = (low + high) / 2;
    (fits_with(middle) ? high : low) = middle;
  }
  CHECK_FALSE(fits_with(high - 1));
  // What stands there, the block, its entries in pack and index, and what is kept for the end.
  const std::uint64_t needed = 5'000 + 100'000 + 2 * 10 * 37 + StorageRoom::kSnapshotBytes;
  CHECK(high >= needed);
  CHECK(high <= needed + 2'500);
  CHECK_FALSE(StorageRoom({.max_bytes = 4'999, .stored_bytes = 5'000}).fits({}));
  CHECK_FALSE(StorageRoom({.max_bytes = 1, .stored_bytes = UINT64_MAX}).fits(block));
}

TEST_CASE("a writer's books: what is open and what is not listed yet keeps its room", "[limit]") {
  const StorageRoom::Block data{.stored_bytes = 50'000, .chunks = 100};
  const StorageRoom::Block nodes{.kind = BlockKind::metadata, .stored_bytes = 20'000, .chunks = 10};
  StorageRoom room({.max_bytes = 220'000, .stored_bytes = 0});
  REQUIRE(room.fits(data));
  room.take(data);
  REQUIRE(room.fits(nodes));
  room.take(nodes);
  REQUIRE(room.fits(data));
  room.take(data);
  CHECK_FALSE(room.fits(nodes));
  // Smaller than it was taken to be: that much is free again.
  room.pack_published(BlockKind::data, 90'000);
  CHECK(room.fits(nodes));
  CHECK_FALSE(room.fits(data));
  room.pack_published(BlockKind::metadata, 20'500);
  room.segment_published(2'000);
  CHECK(room.fits(nodes));
  CHECK_THAT(room.no_room().message(),
             Catch::Contains("109.9 KiB") && Catch::Contains("214.8 KiB"));
  CHECK_THAT(room.no_room().hint(),
             Catch::Contains("cairn forget --prune") && Catch::Contains("--max-repo-size"));
}

TEST_CASE("a writer's books: objects are no larger than they were taken to be", "[limit]") {
  SeveralSnapshots several(0);
  repo::ops::OpenRepository& parts = repo::ops::opened(*several.repository);
  SeededRandom random(7);
  const auto kind = GENERATE(BlockKind::data, BlockKind::metadata);
  const std::size_t block_count = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{300});
  const std::size_t chunks_max = GENERATE(std::size_t{1}, std::size_t{40});
  CAPTURE(kind, block_count, chunks_max);
  repo::store::SegmentHasher segments;
  auto writer = repo::store::PackWriter::open(*parts.backend, *parts.keys, parts.environment.random,
                                              kind, segments);
  REQUIRE(outcome(writer) == "ok");
  std::vector<StorageRoom::Block> blocks;
  for (std::size_t i = 0; i < block_count; ++i) {
    // A key for each block is the most there can be.
    repo::store::BlockSealer sealer(*parts.keys, parts.environment.random, kind);
    repo::format::BlockRecord record;
    for (std::size_t c = random.below(chunks_max); c < chunks_max; ++c) {
      const auto length =
          static_cast<std::uint32_t>(1 + random.below(i == 0 ? 3'000'000 / chunks_max : 300));
      record.chunks.push_back({repo::ChunkId::from(random.bytes(32)), length});
      record.plain_bytes += length;
    }
    const core::Bytes payload = random.bytes(record.plain_bytes);
    blocks.push_back({.kind = kind,
                      .stored_bytes = payload.size() + core::kAeadTagBytes,
                      .chunks = record.chunks.size()});
    auto sealed = sealer.seal(std::move(record), payload);
    REQUIRE(outcome(sealed) == "ok");
    REQUIRE(outcome((*writer)->append(std::move(sealed->record), sealed->key, sealed->bytes)) ==
            "ok");
  }
  auto pack = (*writer)->publish();
  REQUIRE(outcome(pack) == "ok");
  std::uint64_t written_bytes = pack->size_bytes;
  repo::format::IndexSegment segment;
  segment.packs.push_back(*std::move(pack));
  REQUIRE(outcome(repo::store::put_index_segment(
              *parts.backend, *parts.keys, parts.environment.random, segment, written_bytes)) ==
          "ok");

  const auto fits_with = [&blocks](std::uint64_t max_bytes) {
    StorageRoom room({.max_bytes = max_bytes, .stored_bytes = 0});
    return std::ranges::all_of(blocks, [&room](const StorageRoom::Block& block) {
      const bool fits = room.fits(block);
      room.take(block);
      return fits;
    });
  };
  const std::uint64_t needed = written_bytes + StorageRoom::kSnapshotBytes;
  CHECK_FALSE(fits_with(needed - 1));
  CHECK(fits_with(needed + needed / 10 + 100 * block_count + 2'000));
}

TEST_CASE("a backup stops before the limit; a larger one goes on from there", "[limit]") {
  LimitedWorld world;
  world.add_files(4, 3 * kMiB);
  // However the files are shared out among workers, one block fits (at most 8 MiB), and not all.
  const std::uint64_t limit = stored_bytes(world.fixture) + 9 * kMiB;
  world.limit(limit);
  const auto packs = world.fixture.objects("packs");
  const auto segments = world.fixture.objects("index");

  const auto full = world.try_backup();
  REQUIRE(outcome(full) == "no_space");
  CHECK_THAT(full.error().message(), Catch::Contains(core::format_size(limit)));
  CHECK_THAT(full.error().hint(), Catch::Contains("cairn config --max-repo-size"));
  const std::uint64_t stopped_at = stored_bytes(world.fixture);
  CHECK(stopped_at <= limit);
  CHECK(stopped_at + 8 * kMiB > limit);  // another block did not fit any more
  CHECK(world.standing() == "0");
  CHECK(world.fixture.objects("packs").size() > packs.size());
  CHECK(world.fixture.objects("index").size() > segments.size());
  CHECK(world.fixture.objects("tmp").empty());
  CHECK(world.fixture.objects("sessions").empty());
  // The packs are listed, what stood stands, and nothing is half-written.
  const auto verified = world.fixture.verify(*world.repository);
  REQUIRE(outcome(verified) == "ok");
  CHECK(verified->findings.empty());

  // As often as one likes; blocks that come in another order may fill what was left.
  CHECK(outcome(world.try_backup()) == "no_space");
  const std::uint64_t stopped_again_at = stored_bytes(world.fixture);
  CHECK(stopped_again_at >= stopped_at);
  CHECK(stopped_again_at <= limit);

  world.limit(0);
  const auto done = world.try_backup();
  REQUIRE(outcome(done) == "ok");
  CHECK(done->written_bytes < 11 * kMiB);
  CHECK(done->written_bytes + stopped_again_at > 12 * kMiB);
  CHECK(world.damage().empty());
  const auto restored = world.fixture.restore(*world.repository, done->snapshot,
                                              world.fixture.at("source"), world.fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(world.fixture.at("source"), world.fixture.at("out")) ==
        std::vector<std::string>());
}

TEST_CASE("a limit that is just large enough, and one that is just too small", "[limit]") {
  std::uint64_t needed = 0;
  {
    LimitedWorld world;
    world.limit(1'000'000'000);
    world.add_files(3, 300'000);
    REQUIRE(outcome(world.try_backup()) == "ok");
    needed = stored_bytes(world.fixture);
  }
  LimitedWorld world;
  world.add_files(3, 300'000);
  world.limit(needed - 1);
  CHECK(outcome(world.try_backup()) == "no_space");
  CHECK(stored_bytes(world.fixture) < needed);
  // What is kept for the snapshot, and some kilobytes of packs that came out smaller.
  const std::uint64_t enough = needed + StorageRoom::kSnapshotBytes + 16'000;
  world.limit(enough);
  CHECK(outcome(world.try_backup()) == "ok");
  CHECK(stored_bytes(world.fixture) <= enough);
  CHECK(world.damage().empty());
}

TEST_CASE("a snapshot without new contents needs room for itself alone", "[limit]") {
  LimitedWorld world;
  const std::uint64_t before = stored_bytes(world.fixture);
  world.limit(before + 90'000);
  REQUIRE(outcome(world.try_backup()) == "ok");
  // Its description does not fit, twice.
  auto options = world.fixture.options({world.fixture.at("source")});
  options.description = std::string(60'000, 'x');
  const std::uint64_t after = stored_bytes(world.fixture);
  const auto described = repo::backup(*world.repository, options, world.fixture.observer);
  CHECK(outcome(described) == "no_space");
  CHECK(stored_bytes(world.fixture) == after);
  CHECK(world.listed().size() == 2);
}

TEST_CASE("a dry run is not limited, and neither are marks, keys and tombstones", "[limit]") {
  LimitedWorld world;
  world.limit(1);
  world.add_files(1, 100'000);
  auto options = world.fixture.options({world.fixture.at("source")});
  options.dry_run = true;
  CHECK(outcome(repo::backup(*world.repository, options, world.fixture.observer)) == "ok");
  CHECK(outcome(repo::pin(*world.repository, {"latest"}, world.fixture.observer)) == "ok");
  world.add_key(repo::Role::backup);
  CHECK(outcome(world.try_backup()) == "no_space");
  // Also for a client that cannot read what is there.
  auto client = world.open_as(repo::Role::backup);
  REQUIRE(outcome(client) == "ok");
  CHECK(outcome(world.fixture.backup(*client, {world.fixture.at("source")})) == "no_space");
}

TEST_CASE("prune works in a full repository, and makes room for the next backup", "[limit]") {
  LimitedWorld world;
  world.add_files(2, 2 * kMiB);
  world.backup();
  std::filesystem::remove(world.fixture.at("source") + "/big1");
  world.backup();
  const std::uint64_t limit = stored_bytes(world.fixture) - 1;
  world.limit(limit);
  world.add_files(1, 300'000);
  CHECK(outcome(world.try_backup()) == "no_space");

  bury(*world.repository, world.ids[1]);
  const auto pruned = prune(world.fixture, *world.repository, {.max_unused = 0});
  REQUIRE(outcome(pruned) == "ok");
  CHECK(pruned->written.bytes > 0);  // it has rewritten what the others need
  CHECK(stored_bytes(world.fixture) < limit - kMiB);
  CHECK(outcome(world.try_backup()) == "ok");
  CHECK(stored_bytes(world.fixture) <= limit);
  CHECK(world.damage().empty());
}
