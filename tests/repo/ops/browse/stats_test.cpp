#include "cairn/repo/stats.h"

#include <filesystem>

#include "collecting.h"
#include "ops/repository/pack_directories.h"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;

struct Counted {
  std::uint64_t chunks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t packs = 0;
  std::uint64_t pack_bytes = 0;

  friend bool operator==(const Counted&, const Counted&) = default;
};
std::ostream& operator<<(std::ostream& out, const Counted& counted) {
  return out << counted.chunks << " chunks of " << counted.bytes << ", " << counted.packs
             << " packs of " << counted.pack_bytes;
}

/// What the packs' own directories say.
Counted count_packs(repo::Repository& repository, repo::format::BlockKind kind) {
  repo::ops::OpenRepository& parts = repo::ops::opened(repository);
  Counted counted;
  REQUIRE(outcome(parts.backend->list(
              repo::format::ObjectKind::pack, [&](const repo::store::ListedObject& object) {
                const auto pack = repo::store::read_pack_description(
                    *parts.backend, *parts.keys, repo::PackId::from(object.name.id.view()));
                REQUIRE(outcome(pack) == "ok");
                if (pack->directory.kind != kind) {
                  return;
                }
                counted.packs += 1;
                counted.pack_bytes += object.size_bytes;
                for (const auto& block : pack->directory.blocks) {
                  counted.chunks += block.chunks.size();
                  counted.bytes += block.plain_bytes;
                }
              })) == "ok");
  return counted;
}

std::uint64_t bytes_below(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
  }
  return bytes;
}

}  // namespace

TEST_CASE("every figure of the statistics is that of what lies there", "[stats]") {
  RepoFixture fixture;
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  const auto back_up = [&](std::uint64_t seed) {
    fs::remove(fixture.at("source/a"));
    REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 200'000, seed)}).empty());
    const auto made = fixture.backup(*repository, {fixture.at("source")});
    REQUIRE(outcome(made) == "ok");
    return *made->id;
  };
  const auto check = [&](std::uint64_t awaiting_prune, std::size_t snapshots) {
    const auto counted = repo::statistics(*repository, fixture.observer);
    REQUIRE(outcome(counted) == "ok");
    CHECK(Counted{counted->unique_chunks, counted->unique_bytes, counted->data_packs,
                  counted->data_pack_bytes} ==
          count_packs(*repository, repo::format::BlockKind::data));
    CHECK(Counted{counted->metadata_chunks, counted->metadata_bytes, counted->metadata_packs,
                  counted->metadata_pack_bytes} ==
          count_packs(*repository, repo::format::BlockKind::metadata));
    // But for what is kept free for a full disk.
    CHECK(counted->stored_bytes ==
          bytes_below(fixture.at("repo")) - fs::file_size(fixture.at("repo/reserve")));
    CHECK(counted->index_bytes == bytes_below(fixture.at("repo/index")));
    CHECK(counted->index_segments == fixture.objects("index").size());
    CHECK(counted->snapshots.size() == snapshots);
    CHECK(counted->total.files == 2 * snapshots);
    CHECK(counted->total.bytes == 400'000 * snapshots);
    CHECK(counted->awaiting_prune == awaiting_prune);
    return counted->unique_chunks;
  };
  REQUIRE(make_tree(fixture.at("source"), {tree::file("b", 200'000, 9)}).empty());
  const auto first = back_up(1);
  const std::uint64_t chunks = check(0, 1);
  const auto second = back_up(2);
  CHECK(check(0, 2) > chunks);
  back_up(1);
  CHECK(check(0, 3) > chunks);
  bury(*repository, first);
  bury(*repository, second);
  CHECK(check(2, 1) > chunks);
  REQUIRE(outcome(prune(fixture, *repository, {.max_unused = 0})) == "ok");
  CHECK(check(0, 1) == chunks);
}
