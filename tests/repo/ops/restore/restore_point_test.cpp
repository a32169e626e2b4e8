#include <filesystem>

#include "cairn/repo/keys.h"
#include "child_process.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;

namespace {

using Paths = std::vector<std::string>;

Paths to_overwrite(RestoreFixture& fixture, const repo::RestoreOptions& options) {
  const auto paths =
      repo::paths_to_overwrite(*fixture.repository, fixture.snapshot, options, fixture.observer);
  REQUIRE(outcome(paths) == "ok");
  return *paths;
}

}  // namespace

TEST_CASE("what a restore would meet: nothing, the target, places of the sources, a link") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a/f", "x"), tree::text_file("b", "x")});
  fixture.back_up();
  auto options = fixture.over(Overwrite::always);
  CHECK(to_overwrite(fixture, options).empty());
  fixture.make("out", {});
  CHECK(to_overwrite(fixture, options).empty());
  fixture.make("out", {tree::text_file("mine", "x")});
  CHECK(to_overwrite(fixture, options) == Paths{fixture.at("out")});

  options.path = fixture.at("source/b");
  CHECK(to_overwrite(fixture, options).empty());
  fixture.make("out", {tree::text_file("b", "x")});
  CHECK(to_overwrite(fixture, options) == Paths{fixture.at("out/b")});

  options.path.clear();
  CHECK(to_overwrite(fixture, options).empty());
  std::filesystem::create_directories(fixture.at("out") + fixture.at("source"));
  CHECK(to_overwrite(fixture, options) == Paths{fixture.at("out") + fixture.at("source")});
  std::filesystem::remove(fixture.at("out") + fixture.at("source"));
  std::filesystem::create_symlink("/etc", fixture.at("out") + fixture.at("source"));
  CHECK(to_overwrite(fixture, options) == Paths{fixture.at("out") + fixture.at("source")});
}

TEST_CASE("a restore point undoes a restore") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("f", "snapshot")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("f", "mine"), tree::text_file("extra", "mine")});
  auto options = fixture.over(Overwrite::always);
  options.delete_extra = true;
  const auto point = repo::make_restore_point(*fixture.repository,
                                              {.paths = to_overwrite(fixture, options),
                                               .description = "d",
                                               .program_version = "v",
                                               .stop = {}},
                                              fixture.observer);
  REQUIRE(outcome(point) == "ok");
  CHECK(point->snapshot.type == repo::SnapshotType::restore_point);
  CHECK(point->snapshot.tags == std::vector{std::string(repo::kRestorePointTag)});
  fixture.must(options);
  CHECK(fixture.text("out/f") == "snapshot");

  // The same words mean the same snapshot as before.
  const auto latest = repo::find_snapshot(*fixture.repository, "latest", fixture.observer);
  REQUIRE(outcome(latest) == "ok");
  CHECK(latest->snapshot == fixture.snapshot);
  const auto at = repo::find_snapshot_at(*fixture.repository, {9'000'000'000, 0}, fixture.observer);
  REQUIRE(outcome(at) == "ok");
  CHECK(at->snapshot == fixture.snapshot);

  fixture.snapshot = point->snapshot;
  options.path = fixture.at("out");
  fixture.must(options);
  CHECK(fixture.text("out/f") == "mine");
  CHECK(fixture.text("out/extra") == "mine");
}

TEST_CASE("a key that adds nothing cannot make a restore point, and says what can be done") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("f", "x")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("f", "mine")});
  REQUIRE(outcome(repo::add_key(*fixture.repository,
                                {.role = repo::Role::restore,
                                 .name = "r",
                                 .credentials = RepoFixture::passphrase("restore only"),
                                 .kdf = RepoFixture::cheap_kdf()})) == "ok");
  fixture.repository = fixture.open("restore only");
  REQUIRE(outcome(fixture.repository) == "ok");
  const auto point = repo::make_restore_point(
      *fixture.repository,
      {.paths = {fixture.at("out")}, .description = "", .program_version = "", .stop = {}},
      fixture.observer);
  REQUIRE(outcome(point) == "not_permitted");
  CHECK_THAT(point.error().hint(), Catch::Contains("--no-restore-point"));
  fixture.must(fixture.over(Overwrite::always));
}

TEST_CASE("a restore point that lacks something is an error") {
  RestoreFixture fixture;
  fixture.make("out", {tree::text_file("closed", "x")});
  std::filesystem::permissions(fixture.at("out/closed"), std::filesystem::perms::none);
  std::filesystem::permissions(fixture.at("."), std::filesystem::perms::all);
  const std::string told = run_as_ordinary_user([&]() -> std::string {
    auto repository = fixture.init();
    const auto point = repo::make_restore_point(
        *repository,
        {.paths = {fixture.at("out")}, .description = "", .program_version = "", .stop = {}},
        fixture.observer);
    return point ? "made" : point.error().message();
  });
  CHECK_THAT(told, Catch::Contains("lacks 1 object"));
}
