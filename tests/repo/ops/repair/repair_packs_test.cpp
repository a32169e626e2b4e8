#include <filesystem>

#include "cairn/repo/copy.h"
#include "cairn/repo/repair.h"
#include "collecting.h"
#include "fault_backend.h"

using namespace cairn;
using namespace cairn::test;
using repo::format::BlockKind;

namespace {

struct PacksWorld {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");

  PacksWorld() {
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    // Bytes that cannot be compressed lie in blocks of a MiB.
    REQUIRE(make_tree(tree(), {tree::file("a", 2'500'000, 1), tree::file("b", 1'700'000, 2),
                               tree::text_file("sub/c", "text")})
                .empty());
    backup();
    REQUIRE(make_tree(tree(), {tree::file("d", 200'000, 3)}).empty());
    backup();
  }
  [[nodiscard]] std::string tree() const { return fixture.at("source"); }
  repo::PackId id_of(const std::string& pack) {
    const auto id = repo::PackId::from_hex(pack.substr(pack.rfind('/') + 1));
    REQUIRE(id.has_value());
    return *id;
  }
  void backup() { REQUIRE(outcome(fixture.backup(*repository, {tree()})) == "ok"); }
  /// The largest pack of a kind: its object's name.
  std::string pack_of(BlockKind kind) {
    repo::ops::OpenRepository& parts = repo::ops::opened(*repository);
    std::string found;
    std::uint64_t size = 0;
    for (const std::string& pack : fixture.objects("packs")) {
      const auto description =
          repo::store::read_pack_description(*parts.backend, *parts.keys, id_of(pack));
      REQUIRE(outcome(description) == "ok");
      if (description->directory.kind == kind && description->size_bytes > size) {
        found = pack;
        size = description->size_bytes;
      }
    }
    REQUIRE_FALSE(found.empty());
    return fixture.object_file(found);
  }
  repo::RepairPacksReport repair(const repo::RepairPacksOptions& options = {}) {
    repo::RepairPacksOptions all = options;
    all.workers = 2;
    auto report = repo::repair_packs(*repository, all, fixture.observer);
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  std::size_t damaged_findings() {
    const auto verified = fixture.verify(*repository);
    REQUIRE(outcome(verified) == "ok");
    std::size_t count = 0;
    for (const repo::Finding& finding : verified->findings) {
      count += finding.severity == repo::Finding::Severity::damage ? 1 : 0;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("what is intact in a damaged pack is saved, the rest is told", "[repair]") {
  PacksWorld world;
  const std::string pack = world.pack_of(BlockKind::data);
  flip_byte(pack, 1'500'000);
  const auto report = world.repair();
  REQUIRE(report.damaged.size() == 1);
  CHECK(report.packs_removed == 1);
  CHECK(report.packs_kept == 0);
  CHECK(report.chunks_saved > 20);
  CHECK(report.chunks_unreadable > 0);
  CHECK(report.missing_before == report.chunks_unreadable);
  CHECK(report.missing_after == report.missing_before);
  CHECK_FALSE(std::filesystem::exists(pack));

  const auto healed = world.repair({.sources = {world.tree()}});
  CHECK(healed.damaged.empty());
  CHECK(healed.missing_before == report.missing_after);
  CHECK(healed.healed_from_sources == healed.missing_before);
  CHECK(healed.missing_after == 0);
  CHECK(world.damaged_findings() == 0);
  check_all_restore(world.fixture, 2);
}

TEST_CASE("with the source still there a pack of any kind is made good", "[repair]") {
  PacksWorld world;
  const auto kind = GENERATE(BlockKind::data, BlockKind::metadata);
  const std::string pack = world.pack_of(kind);
  const std::uint64_t size = std::filesystem::file_size(pack);
  switch (GENERATE(0, 1, 2, 3)) {
    case 0:
      std::filesystem::remove(pack);
      break;
    case 1:
      std::filesystem::resize_file(pack, size / 2);
      break;
    case 2:
      flip_byte(pack, 300);
      break;
    default:
      write_file(pack, {});
  }
  const auto report = world.repair({.sources = {world.tree()}});
  CHECK(report.healed_from_sources > 0);
  if (kind == BlockKind::data) {
    CHECK(report.missing_after == 0);
    CHECK(world.damaged_findings() == 0);
    check_all_restore(world.fixture, 2);
    return;
  }
  // The folder of the older snapshot is not what the source is now; that of the newer one is.
  const auto latest = repo::find_snapshot(*world.repository, "latest", world.fixture.observer);
  REQUIRE(outcome(latest) == "ok");
  const auto verified = repo::verify(
      *world.repository, {.snapshots = {latest->id}, .check_integrity = true, .workers = 2},
      world.fixture.observer);
  REQUIRE(outcome(verified) == "ok");
  for (const repo::Finding& finding : verified->findings) {
    INFO(finding.object << ": " << finding.message);
    CHECK(finding.affected.empty());
  }
  const auto restored = world.fixture.restore(*world.repository, latest->snapshot, world.tree(),
                                              world.fixture.at("again"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(world.tree(), world.fixture.at("again")) == std::vector<std::string>());
}

TEST_CASE("a pack whose directory is damaged loses nothing", "[repair]") {
  PacksWorld world;
  const std::string pack = world.pack_of(GENERATE(BlockKind::data, BlockKind::metadata));
  flip_byte(pack, std::filesystem::file_size(pack) - 200);
  const auto report = world.repair();
  CHECK(report.damaged.size() == 1);
  CHECK(report.packs_removed == 1);
  CHECK(report.chunks_unreadable == 0);
  CHECK(report.missing_after == 0);
  CHECK(world.damaged_findings() == 0);
  check_all_restore(world.fixture, 2);
}

TEST_CASE("another repository makes good what is lost, folders too", "[repair]") {
  PacksWorld world;
  RepoFixture second;
  static_cast<void>(second.random.bytes(100'000));
  auto other = second.init();
  REQUIRE(outcome(other) == "ok");
  REQUIRE(outcome(repo::copy(*world.repository, *other, {.workers = 2}, second.observer)) == "ok");
  std::filesystem::remove_all(world.tree());
  const bool all = GENERATE(false, true);
  if (all) {
    for (const std::string& pack : world.fixture.objects("packs")) {
      std::filesystem::remove(world.fixture.object_file(pack));
    }
  } else {
    std::filesystem::remove(world.pack_of(BlockKind::metadata));
    flip_byte(world.pack_of(BlockKind::data), 1'500'000);
  }
  const auto report = world.repair({.from = &*other});
  CHECK(report.damaged.size() == (all ? 0 : 1));
  CHECK(report.healed_from_repository > 0);
  CHECK(report.missing_after == 0);
  CHECK(world.damaged_findings() == 0);
  check_all_restore(world.fixture, 2);
}

TEST_CASE("repair packs refuses a copy of the same repository, and keys of lesser roles",
          "[repair]") {
  PacksWorld world;
  auto again = world.fixture.open("correct horse", world.fixture.at("other-cache"));
  REQUIRE(outcome(again) == "ok");
  CHECK(outcome(repo::repair_packs(*world.repository, {.from = &*again}, world.fixture.observer)) ==
        "invalid_argument");
  repo::AddKeyOptions options;
  options.role = GENERATE(repo::Role::backup, repo::Role::restore, repo::Role::maintain);
  options.credentials = RepoFixture::passphrase("other");
  options.kdf = RepoFixture::cheap_kdf();
  REQUIRE(outcome(repo::add_key(*world.repository, options)) == "ok");
  auto other = world.fixture.open("other", world.fixture.at("third-cache"));
  REQUIRE(outcome(other) == "ok");
  CHECK(outcome(repo::repair_packs(*other, {}, world.fixture.observer)) == "not_permitted");
}

TEST_CASE("a pack that the storage does not give is saved from as far as it goes, and kept",
          "[repair]") {
  PacksWorld world;
  repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
  const std::string unread = world.pack_of(BlockKind::data);
  const std::string damaged = world.pack_of(BlockKind::metadata);
  flip_byte(damaged, std::filesystem::file_size(damaged) - 200);  // in its directory
  const auto real = std::move(parts.backend);
  auto bad_disk = std::make_unique<FaultBackend>(*real);
  bad_disk->inflict(repo::store::object_name(repo::format::ObjectKind::pack, world.id_of(unread)),
                    damage::Unreadable{.offset = 1'500'000});
  parts.backend = std::move(bad_disk);
  const auto report = world.repair();
  CHECK(report.damaged.size() == 2);
  CHECK(report.packs_removed == 1);
  CHECK(report.packs_kept == 1);
  CHECK(report.chunks_saved > 20);
  CHECK(report.chunks_unreadable > 0);
  CHECK(std::filesystem::exists(unread));
  CHECK_FALSE(std::filesystem::exists(damaged));
  REQUIRE(world.fixture.observer.warnings.size() == 1);
  CHECK(world.fixture.observer.warnings.front().find("the pack is kept") != std::string::npos);

  // The disk is well again: nothing was lost by that.
  check_all_restore(world.fixture, 2);
}

TEST_CASE("a sector that cannot be read spoils nothing that is told of the rest of its pack",
          "[repair]") {
  PacksWorld world;
  repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
  const auto id = world.id_of(world.pack_of(BlockKind::data));
  REQUIRE(std::filesystem::file_size(world.pack_of(BlockKind::data)) > 2'500'000);
  const auto real = std::move(parts.backend);
  auto bad_disk = std::make_unique<FaultBackend>(*real);
  bad_disk->inflict(repo::store::object_name(repo::format::ObjectKind::pack, id),
                    damage::Unreadable{.offset = 200'000});
  parts.backend = std::move(bad_disk);
  const auto report = world.fixture.verify(*world.repository);
  REQUIRE(outcome(report) == "ok");
  REQUIRE(report->findings.size() == 1);
  CHECK(report->findings.front().severity == repo::Finding::Severity::unreadable);
  CHECK(report->findings.front().affected_count > 0);
}

TEST_CASE("a dry run of repair packs changes nothing", "[repair]") {
  PacksWorld world;
  flip_byte(world.pack_of(BlockKind::data), 1'500'000);
  const auto before = world.fixture.objects("");
  const auto report = world.repair({.sources = {world.tree()}, .dry_run = true});
  CHECK(report.damaged.size() == 1);
  CHECK(report.packs_removed == 0);
  CHECK(world.fixture.objects("") == before);
}

TEST_CASE("only the packs that were named are read", "[repair]") {
  PacksWorld world;
  const std::string damaged = world.pack_of(BlockKind::data);
  flip_byte(damaged, 1'500'000);
  const std::string other = world.pack_of(BlockKind::metadata);
  const auto report = world.repair({.packs = {world.id_of(other)}});
  CHECK(report.packs_checked == 1);
  CHECK(report.damaged.empty());
  CHECK(std::filesystem::exists(damaged));
}
