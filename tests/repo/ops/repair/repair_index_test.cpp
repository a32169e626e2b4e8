#include <filesystem>

#include "cairn/repo/repair.h"
#include "collecting.h"
#include "ops/repository/catalogue_view.h"
#include "ops/snapshots/chain.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct IndexWorld {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");

  IndexWorld() {
    REQUIRE(
        make_tree(fixture.at("source"), {tree::file("a", 400'000, 1), tree::file("b", 300'000, 2)})
            .empty());
    repository = fixture.init();
    backup();
    REQUIRE(make_tree(fixture.at("source"), {tree::file("c", 200'000, 3)}).empty());
    backup();
  }
  void backup() { REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok"); }
  repo::RepairIndexReport repair() {
    const auto report = repo::repair_index(*repository, {}, fixture.observer);
    REQUIRE(outcome(report) == "ok");
    return *report;
  }
};

}  // namespace

TEST_CASE("an index of which segments are missing is written anew", "[repair]") {
  IndexWorld world;
  const auto segments = world.fixture.objects("index");
  REQUIRE(segments.size() >= 2);
  const std::size_t kept = GENERATE(0U, 1U);
  for (std::size_t i = kept; i < segments.size(); ++i) {
    std::filesystem::remove(world.fixture.object_file(segments[i]));
  }
  const auto report = world.repair();
  CHECK(report.segments_before == kept);
  CHECK(report.segments_after == 1);
  CHECK(report.packs == world.fixture.objects("packs").size());
  CHECK(report.packs_found > 0);
  CHECK(world.fixture.objects("index").size() == 1);
  check_all_restore(world.fixture, 2);
}

TEST_CASE("a damaged index segment is replaced from the packs' own directories", "[repair]") {
  IndexWorld world;
  flip_byte(world.fixture.object_file(world.fixture.objects("index").front()), 100);
  const auto report = world.repair();
  CHECK(report.segments_damaged == 1);
  CHECK(report.packs_found > 0);
  CHECK(report.missing.empty());
  check_all_restore(world.fixture, 2);
}

TEST_CASE("a pack that is gone leaves the index, and the next backup heals what it held",
          "[repair]") {
  IndexWorld world;
  const auto packs = world.fixture.objects("packs");
  for (const std::string& pack : packs) {
    std::filesystem::remove(world.fixture.object_file(pack));
    break;
  }
  const auto broken = world.fixture.verify(*world.repository);
  REQUIRE(outcome(broken) == "ok");
  CHECK(broken->damaged());
  const auto report = world.repair();
  CHECK(report.missing.size() == 1);
  CHECK(report.packs == packs.size() - 1);
  std::filesystem::remove(world.fixture.at("source/c"));
  world.backup();  // as it was at the first snapshot
  REQUIRE(make_tree(world.fixture.at("source"), {tree::file("c", 200'000, 3)}).empty());
  world.backup();
  const auto healed = world.fixture.verify(*world.repository);
  REQUIRE(outcome(healed) == "ok");
  for (const repo::Finding& finding : healed->findings) {
    INFO(finding.object << ": " << finding.message);
    // Folder nodes and birth times of the older snapshots come back only if they are the same now.
    CHECK((finding.severity == repo::Finding::Severity::note ||
           finding.object.starts_with("node ") ||
           finding.message.starts_with("a list of birth times")));
  }
}

TEST_CASE("an index written anew costs a sound catalogue nothing that it alone knows", "[repair]") {
  IndexWorld world;
  world.repository = world.fixture.open();  // as a command does, which has not read it yet
  REQUIRE(outcome(world.repository) == "ok");
  world.fixture.observer.warnings.clear();
  world.repair();
  CHECK(world.fixture.observer.warnings == std::vector<std::string>{});
  const auto head =
      repo::ops::chain_head(*repo::ops::catalogue_if_open(repo::ops::opened(*world.repository)));
  REQUIRE(outcome(head) == "ok");
  REQUIRE(head->has_value());
  CHECK((*head)->sequence == 2);
}

TEST_CASE("a dry run of repair index changes nothing", "[repair]") {
  IndexWorld world;
  std::filesystem::remove(world.fixture.object_file(world.fixture.objects("index").front()));
  const auto segments = world.fixture.objects("index");
  const auto report =
      repo::repair_index(*world.repository, {.dry_run = true}, world.fixture.observer);
  REQUIRE(outcome(report) == "ok");
  CHECK(report->packs_found > 0);
  CHECK(world.fixture.objects("index") == segments);
}
