// Who shows what a repository is at hears of verbs, their phases, and how they ended.

#include <fstream>
#include <utility>

#include "cairn/repo/copy.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/repair.h"
#include "cairn/repo/rewrite.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"

namespace cairn {
namespace {

using test::outcome;
using test::RepoFixture;
using Told = std::vector<std::string>;

/// A repository with one snapshot of one file.
class WatchedRepository : public RepoFixture {
 public:
  WatchedRepository() {
    std::ofstream(at("source/file")) << "content";
    auto made = init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(*std::move(made));
    const auto report = backup(*repository, {at("source")});
    REQUIRE(outcome(report) == "ok");
    snapshot = report->snapshot;
    stop.request_stop();
  }
  /// Since it was last asked.
  Told told() { return std::exchange(observer.told, {}); }

  std::optional<repo::Repository> repository;
  repo::Snapshot snapshot;
  std::stop_source stop;  ///< asked to
};

}  // namespace

TEST_CASE("events: verbs begin, turn to what they do, and finish", "[events]") {
  WatchedRepository world;
  CHECK(world.told() == Told{"begun: backup", "reading the sources", "storing what is left",
                             "publishing the snapshot", "finished: backup: ok"});
  REQUIRE(outcome(world.restore(*world.repository, world.snapshot, "", world.at("out"))) == "ok");
  CHECK(world.told() == Told{"begun: restore", "writing the target", "finished: restore: ok"});
  REQUIRE(outcome(world.verify(*world.repository)) == "ok");
  CHECK(world.told() == Told{"begun: verify", "checking small objects", "checking packs and trees",
                             "finished: verify: ok"});
  REQUIRE(outcome(repo::prune(*world.repository, {}, world.observer)) == "ok");
  CHECK(world.told() == Told{"begun: prune", "reading what snapshots need", "deleting packs",
                             "finished: prune: ok"});
  REQUIRE(outcome(repo::repair_packs(*world.repository, {}, world.observer)) == "ok");
  CHECK(world.told() == Told{"begun: repair packs", "finished: repair packs: ok"});
  REQUIRE(outcome(repo::repair_snapshots(*world.repository, {}, world.observer)) == "ok");
  CHECK(world.told() == Told{"begun: repair snapshots", "finished: repair snapshots: ok"});
  REQUIRE(outcome(repo::rewrite(*world.repository, {}, {}, world.observer)) == "ok");
  CHECK(world.told() == Told{"begun: rewrite", "finished: rewrite: ok"});
  RepoFixture other;
  static_cast<void>(other.random.bytes(100));  // not the same id
  auto destination = other.init();
  REQUIRE(outcome(destination) == "ok");
  REQUIRE(outcome(repo::copy(*world.repository, *destination, {}, world.observer)) == "ok");
  CHECK(world.told() == Told{"begun: copy", "finished: copy: ok"});
}

TEST_CASE("events: an interrupted verb says so", "[events]") {
  WatchedRepository world;
  world.told();
  repo::BackupOptions backup = world.options({world.at("source")});
  backup.stop = world.stop.get_token();
  CHECK(outcome(world.backup(*world.repository, backup)) == "interrupted");
  CHECK(world.told() == Told{"begun: backup", "reading the sources", "storing what is left",
                             "finished: backup: interrupted"});
  repo::RestoreOptions restore;
  restore.target = world.at("out");
  restore.stop = world.stop.get_token();
  CHECK(outcome(repo::restore(*world.repository, world.snapshot, restore, world.observer)) ==
        "interrupted");
  CHECK(world.told() ==
        Told{"begun: restore", "writing the target", "finished: restore: interrupted"});
  repo::VerifyOptions verify;
  verify.stop = world.stop.get_token();
  CHECK(outcome(repo::verify(*world.repository, verify, world.observer)) == "interrupted");
  CHECK(world.told().back() == "finished: verify: interrupted");
  repo::PruneOptions prune;
  prune.stop = world.stop.get_token();
  CHECK(outcome(repo::prune(*world.repository, prune, world.observer)) == "interrupted");
  CHECK(world.told() ==
        Told{"begun: prune", "reading what snapshots need", "finished: prune: interrupted"});
}

TEST_CASE("events: a verb that fails says how; what was refused has not begun", "[events]") {
  WatchedRepository world;
  world.told();
  CHECK(outcome(world.backup(*world.repository, {"relative"})) == "invalid_argument");
  CHECK(world.told().empty());
  // Problems are told apart: the work goes on.
  CHECK(outcome(world.backup(*world.repository, {world.at("source"), world.at("gone")})) == "ok");
  CHECK(world.observer.problems.size() == 1);
  CHECK(world.told().back() == "finished: backup: ok");

  CHECK(outcome(world.restore(*world.repository, world.snapshot, "", world.at("source"))) ==
        "invalid_argument");
  CHECK(world.told() == Told{"begun: restore", "finished: restore: invalid_argument"});
  for (const std::string& pack : world.objects("packs")) {
    test::write_file(world.object_file(pack), {});
  }
  CHECK(outcome(repo::prune(*world.repository, {}, world.observer)) == "not_found");
  const Told told = world.told();
  CHECK(told.front() == "begun: prune");
  CHECK(told.back() == "finished: prune: not_found");
  repo::VerifyOptions verify;
  verify.snapshots = {repo::SnapshotId()};
  CHECK(outcome(repo::verify(*world.repository, verify, world.observer)) == "not_found");
  CHECK(world.told() ==
        Told{"begun: verify", "checking small objects", "finished: verify: not_found"});
}

}  // namespace cairn
