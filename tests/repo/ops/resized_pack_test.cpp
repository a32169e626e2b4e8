#include <array>
#include <filesystem>

#include "collecting.h"
#include "store/packs/pack_reader.h"

// Packs that are there, but not with the size that the index recorded: cut off by a power cut or by
// a copy that broke, or grown.

using namespace cairn;
using namespace cairn::test;
using repo::format::BlockKind;

namespace {

struct ResizedWorld {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");

  ResizedWorld() {
    REQUIRE(
        make_tree(tree(), {tree::file("a", 600'000, 1), tree::text_file("sub/c", "text")}).empty());
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    backup();
  }
  [[nodiscard]] std::string tree() const { return fixture.at("source"); }
  repo::BackupReport backup(bool force_rehash = false) {
    auto options = fixture.options({tree()});
    options.force_rehash = force_rehash;
    auto report = fixture.backup(*repository, options);
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  /// The path of the only pack of a kind.
  std::string pack_of(BlockKind kind) {
    repo::ops::OpenRepository& parts = repo::ops::opened(*repository);
    for (const std::string& pack : fixture.objects("packs")) {
      const auto id = repo::PackId::from_hex(pack.substr(pack.rfind('/') + 1));
      REQUIRE(id.has_value());
      const auto read = repo::store::read_pack_description(*parts.backend, *parts.keys, *id);
      REQUIRE(outcome(read) == "ok");
      if (read->directory.kind == kind) {
        return fixture.object_file(pack);
      }
    }
    FAIL("no such pack");
    return {};
  }
  bool has_warned(std::string_view words) {
    return std::ranges::any_of(fixture.observer.warnings, [&](const std::string& text) {
      return text.find(words) != std::string::npos;
    });
  }
  std::size_t open_findings_of_latest() {
    const auto latest = repo::find_snapshot(*repository, "latest", fixture.observer);
    REQUIRE(outcome(latest) == "ok");
    const auto restored =
        fixture.restore(*repository, latest->snapshot, tree(), fixture.at("restored"));
    REQUIRE(outcome(restored) == "ok");
    return restored->problem_count + compare_trees(tree(), fixture.at("restored")).size();
  }
};

}  // namespace

TEST_CASE("a pack that has not its recorded size is not relied upon: what it held is stored again",
          "[resized]") {
  ResizedWorld world;
  const auto kind = GENERATE(BlockKind::data, BlockKind::metadata);
  const std::string pack = world.pack_of(kind);
  const std::uint64_t size = std::filesystem::file_size(pack);
  // The size is not the same each time: what is generated must not depend on it.
  const std::size_t which = GENERATE(0U, 1U, 2U, 3U);
  const std::uint64_t now = std::array{std::uint64_t{0}, size / 2, size - 1, size + 1}[which];
  const bool force_rehash = GENERATE(false, true);
  CAPTURE(now, size, force_rehash);
  std::filesystem::resize_file(pack, now);

  const auto report = world.backup(force_rehash);
  CHECK(world.has_warned("1 pack has not the size"));
  CHECK((kind == BlockKind::data ? report.data_packs : report.metadata_packs) > 0);
  CHECK(world.open_findings_of_latest() == 0);

  // Both snapshots have the same chunks, so that nothing needs the pack any more.
  const auto pruned = prune(world.fixture, *world.repository, {.max_unused = 0});
  REQUIRE(outcome(pruned) == "ok");
  CHECK_FALSE(std::filesystem::exists(pack));
  check_all_restore(world.fixture, 2);
}

TEST_CASE("a prune does not give up a chunk because a cut-off pack has it, too", "[resized]") {
  ResizedWorld world;
  const std::string pack = world.pack_of(BlockKind::data);
  const core::Bytes whole = read_file(pack);
  std::filesystem::remove(pack);
  world.backup(true);  // stores it a second time
  write_file(pack, core::ByteView(whole).first(whole.size() / 3));
  REQUIRE(outcome(prune(world.fixture, *world.repository, {.max_unused = 0})) == "ok");
  check_all_restore(world.fixture, 2);
}

TEST_CASE("without another copy nothing is deleted beside a cut-off pack", "[resized]") {
  ResizedWorld world;
  const std::string pack = world.pack_of(BlockKind::data);
  std::filesystem::resize_file(pack, std::filesystem::file_size(pack) - 1);
  CHECK(outcome(prune(world.fixture, *world.repository, {.max_unused = 0})) == "corrupt");
  CHECK(std::filesystem::exists(pack));
}

TEST_CASE("restore takes the whole one of two copies", "[resized]") {
  ResizedWorld world;
  const std::string pack = world.pack_of(BlockKind::data);
  const core::Bytes whole = read_file(pack);
  std::filesystem::remove(pack);
  world.backup(true);
  write_file(pack, core::ByteView(whole).first(whole.size() - 100));
  CHECK(world.open_findings_of_latest() == 0);
}
