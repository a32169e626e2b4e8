#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "cairn/core/file_system.h"
#include "catch2.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "loop_disk.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;

namespace {

std::vector<TreeObject> small_tree() {
  return {tree::file("a", 20'000, 1), tree::file("d/b", 500, 2)};
}

/// An earlier snapshot that must outlive whatever happens to a later backup.
repo::Snapshot make_first(RepoFixture& fixture, core::Result<repo::Repository>& repository) {
  REQUIRE(make_tree(fixture.at("source"), small_tree()).empty());
  repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  const auto first = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(first) == "ok");
  REQUIRE(make_tree(fixture.at("source"), {tree::file("new", 30'000, 9)}).empty());
  return first->snapshot;
}

void check_intact(RepoFixture& fixture, const repo::Snapshot& first) {
  auto repository = fixture.open("correct horse", fixture.at("another cache"));
  REQUIRE(outcome(repository) == "ok");
  const auto report = fixture.verify(*repository);
  REQUIRE(outcome(report) == "ok");
  CHECK_FALSE(report->damaged());
  const auto restored = fixture.restore(*repository, first, "", fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(restored->problem_count == 0);
  const auto again = fixture.backup(*repository, {fixture.at("source")});
  CHECK(outcome(again) == "ok");
}

}  // namespace

TEST_CASE("whatever call of a backup fails, what was stored stays and the next one succeeds") {
  const auto met = for_each_fault([](const Fault& fault) {
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    RepoFixture fixture(&faulty);
    core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not yet");
    const repo::Snapshot first = make_first(fixture, repository);

    faulty.arm(fault);
    const auto second = fixture.backup(*repository, {fixture.at("source")});
    faulty.disarm();
    const bool hit = faulty.fault_hit();
    if (second) {
      const auto listed = repo::list_snapshots(*repository, fixture.observer);
      CHECK(listed->size() == 2);
    } else {
      CHECK(hit);
    }
    check_intact(fixture, first);
    return hit;
  });
  CHECK(met > 20);
}

TEST_CASE("wherever the power is cut in a backup, what was published is whole") {
  const auto met = for_each_power_cut(2, [](const PowerCut& cut) {
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    RepoFixture fixture(&faulty);
    core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not yet");
    const repo::Snapshot first = make_first(fixture, repository);

    faulty.arm(cut.fault);
    const auto second = fixture.backup(*repository, {fixture.at("source")});
    const bool hit = faulty.fault_hit();
    REQUIRE(faulty.crash(cut.seed));
    // What was reported as done must be there after the crash.
    auto after = fixture.open("correct horse", fixture.at("cache after"));
    REQUIRE(outcome(after) == "ok");
    const auto listed = repo::list_snapshots(*after, fixture.observer);
    REQUIRE(outcome(listed) == "ok");
    CHECK(listed->size() >= (second ? 2U : 1U));
    check_intact(fixture, first);
    return hit;
  });
  CHECK(met > 20);
}

TEST_CASE("a full disk under the repository") {
  RepoFixture fixture;
  const LoopDisk disk(fixture.at("repo"), 8);
  if (!disk.is_mounted()) {
    WARN("skipped: needs root, mkfs.ext4 and a loop device");
    return;
  }
  REQUIRE(make_tree(fixture.at("source"), {tree::file("fits", 500'000, 1)}).empty());
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  const auto first = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(first) == "ok");
  REQUIRE(make_tree(fixture.at("source"), {tree::file("too much", 20'000'000, 2)}).empty());
  const auto second = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(second) == "no_space");
  CHECK(fixture.objects("snapshots").size() == 1);
  CHECK(fixture.objects("tmp").empty());

  std::filesystem::remove(fixture.at("source/too much"));
  const auto verified = fixture.verify(*repository);
  REQUIRE(outcome(verified) == "ok");
  CHECK_FALSE(verified->damaged());
  CHECK(outcome(fixture.restore(*repository, first->snapshot, "", fixture.at("out"))) == "ok");
  CHECK(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
}

TEST_CASE("a full disk under the target leaves no file that is not whole") {
  RepoFixture fixture;
  const LoopDisk disk(fixture.at("out"), 4);
  if (!disk.is_mounted()) {
    WARN("skipped: needs root, mkfs.ext4 and a loop device");
    return;
  }
  REQUIRE(
      make_tree(fixture.at("source"), {tree::file("a", 1'000'000, 1), tree::file("b", 9'000'000, 2),
                                       tree::file("c", 700'000, 3)})
          .empty());
  auto repository = fixture.init();
  const auto first = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(first) == "ok");
  const auto restored =
      fixture.restore(*repository, first->snapshot, fixture.at("source"), fixture.at("out"));
  REQUIRE(outcome(restored) == "no_space");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(fixture.at("out"))) {
    const std::string name = entry.path().filename().string();
    CHECK(read_file(entry.path().string()) == read_file(fixture.at("source/" + name)));
  }
}
