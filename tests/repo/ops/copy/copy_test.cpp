#include "cairn/repo/copy.h"

#include <filesystem>

#include "cairn/repo/keys.h"
#include "cairn/repo/settings.h"
#include "catch2.h"
#include "collecting.h"
#include "ops/writing/announced_sessions.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "store/objects/records.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;

namespace {

std::vector<TreeObject> all_kinds() {
  std::vector<TreeObject> objects = {
      tree::folder("empty").with_mtime({1, 5}),
      tree::file("docs/one", 100'000, 2).with_mtime({1'000'000'000, 123'456'789}),
      tree::file("docs/long", 3'000'000, 3),
      tree::file("docs/same as long", 3'000'000, 3),
      tree::text_file("docs/nothing", ""),
      tree::hard_link("again/one", "docs/one"),
      tree::symlink("dangling", "/nowhere/at all"),
      tree::fifo("pipe"),
      tree::text_file("a\nname\xff", "not UTF-8").with_mode(0600),
      tree::sparse_file("sparse", 5'000'000, {{8'192, 5'000}, {4'000'000, 100}})};
  for (int i = 0; i < 1500; ++i) {
    objects.push_back(tree::text_file("many/" + std::to_string(i), std::to_string(i % 700)));
  }
  return objects;
}

/// Two repositories with keys of their own, and a tree to be backed up into the first one.
struct TwoRepositories {
  RepoFixture source;
  RepoFixture destination;
  core::Result<repo::Repository> from = core::fail(core::ErrorCode::io, "not made");
  core::Result<repo::Repository> to = core::fail(core::ErrorCode::io, "not made");

  TwoRepositories() {
    // Both draw from the same seed; this one draws from another place.
    static_cast<void>(destination.random.bytes(100'000));
    from = source.init();
    to = destination.init();
    REQUIRE(outcome(from) == "ok");
    REQUIRE(outcome(to) == "ok");
  }

  [[nodiscard]] std::string tree() const { return source.at("source"); }
  void make(const std::vector<TreeObject>& objects) {
    REQUIRE(make_tree(tree(), objects) == std::vector<std::string>());
  }
  repo::BackupReport backup() {
    auto report = source.backup(*from, {tree()});
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  core::Result<repo::CopyReport> copy(const repo::CopyOptions& options = {}) {
    repo::CopyOptions all = options;
    all.program_version = "test";
    all.workers = 2;
    return repo::copy(*from, *to, all, destination.observer);
  }
  /// As another process would.
  void reopen() {
    from = source.open();
    to = destination.open();
    REQUIRE(outcome(from) == "ok");
    REQUIRE(outcome(to) == "ok");
  }
  std::vector<repo::ListedSnapshot> copies() {
    auto listed = repo::list_snapshots(*to, destination.observer);
    REQUIRE(outcome(listed) == "ok");
    return *std::move(listed);
  }
  /// The copy restores to what the tree is now.
  void check_restores(const repo::Snapshot& copied) {
    const std::string out = destination.at("out" + std::to_string(outs_++));
    const auto restored = destination.restore(*to, copied, tree(), out);
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
    CHECK(compare_trees(tree(), out, {.holes = true}) == std::vector<std::string>());
  }
  void check_undamaged() {
    const auto verified = destination.verify(*to);
    REQUIRE(outcome(verified) == "ok");
    for (const repo::Finding& finding : verified->findings) {
      INFO(finding.object << ": " << finding.message);
      CHECK(finding.severity == repo::Finding::Severity::note);
    }
  }

 private:
  int outs_ = 0;
};

}  // namespace

TEST_CASE("a copied snapshot is the same under other keys", "[copy]") {
  TwoRepositories world;
  world.make(all_kinds());
  auto options = world.source.options({world.tree()});
  options.tags = {"a", "b"};
  options.set = "home";
  options.description = "the first";
  options.type = repo::SnapshotType::weekly;
  const auto made = world.source.backup(*world.from, options);
  REQUIRE(outcome(made) == "ok");

  const auto report = world.copy();
  REQUIRE(outcome(report) == "ok");
  REQUIRE(report->snapshots.size() == 1);
  CHECK_FALSE(report->snapshots.front().was_there);
  // The second name of a file and its equal are read once.
  CHECK(report->bytes_read > 3'100'000);
  CHECK(report->bytes_read < 3'300'000);

  const auto copies = world.copies();
  REQUIRE(copies.size() == 1);
  CHECK(copies.front().id == *report->snapshots.front().copy);
  const repo::Snapshot& copied = copies.front().snapshot;
  CHECK(copied.start == made->snapshot.start);
  CHECK(copied.end == made->snapshot.end);
  CHECK(copied.host == made->snapshot.host);
  CHECK(copied.tags == made->snapshot.tags);
  CHECK(copied.set == "home");
  CHECK(copied.description == "the first");
  CHECK(copied.type == repo::SnapshotType::weekly);
  CHECK(copied.sources.front().counts == made->snapshot.sources.front().counts);
  CHECK(copied.sources.front().root != made->snapshot.sources.front().root);
  CHECK(copied.sources.front().birth_times.size_bytes ==
        made->snapshot.sources.front().birth_times.size_bytes);
  world.check_restores(copied);
  world.check_undamaged();

  SECTION("and is not copied again") {
    world.reopen();
    const auto again = world.copy();
    REQUIRE(outcome(again) == "ok");
    CHECK(again->snapshots.front().was_there);
    CHECK(again->snapshots.front().copy == copies.front().id);
    CHECK(again->bytes_read == 0);
    CHECK(again->written_bytes == 0);
    CHECK(world.copies().size() == 1);
  }
  SECTION("unless its copy was forgotten; what it held is there still") {
    bury(*world.to, copies.front().id);
    world.reopen();
    const auto again = world.copy();
    REQUIRE(outcome(again) == "ok");
    CHECK_FALSE(again->snapshots.front().was_there);
    CHECK(again->snapshots.front().added_data.chunks == 0);
    CHECK(world.copies().size() == 1);
  }
  SECTION("and its own copy is known, too") {
    RepoFixture third;
    static_cast<void>(third.random.bytes(200'000));
    auto last = third.init();
    REQUIRE(outcome(last) == "ok");
    REQUIRE(outcome(repo::copy(*world.to, *last, {.program_version = "test"}, third.observer)) ==
            "ok");
    const auto direct = repo::copy(*world.from, *last, {.program_version = "test"}, third.observer);
    REQUIRE(outcome(direct) == "ok");
    CHECK(direct->snapshots.front().was_there);
  }
}

TEST_CASE("a copy has the nodes that a backup into the destination makes", "[copy]") {
  TwoRepositories world;
  // Files of one chunk each: longer ones are cut elsewhere.
  std::vector<TreeObject> objects = {tree::folder("empty"), tree::symlink("link", "to")};
  for (int i = 0; i < 600; ++i) {
    objects.push_back(tree::text_file("many/" + std::to_string(i), std::to_string(i)));
  }
  world.make(objects);
  world.backup();
  REQUIRE(outcome(world.copy()) == "ok");
  const auto direct = world.destination.backup(*world.to, {world.tree()});
  REQUIRE(outcome(direct) == "ok");
  CHECK(world.copies().front().snapshot.sources.front().root ==
        direct->snapshot.sources.front().root);
  CHECK(direct->snapshot.added_data.chunks == 0);
  CHECK(direct->snapshot.added_metadata.chunks == 0);
}

TEST_CASE("of a later snapshot only what is new is read", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a/kept", 2'000'000, 1), tree::file("a/grows", 12'000'000, 2),
              tree::file("b/other", 500'000, 3)});
  world.backup();
  REQUIRE(outcome(world.copy()) == "ok");
  {
    // One byte in the middle, and a new file.
    core::Bytes bytes = read_file(world.tree() + "/a/grows");
    bytes[6'000'000] ^= std::byte{1};
    write_file(world.tree() + "/a/grows", bytes);
    world.make({tree::file("b/new", 100'000, 4)});
  }
  world.backup();
  const auto check = [&](const core::Result<repo::CopyReport>& report) {
    REQUIRE(outcome(report) == "ok");
    CHECK(report->snapshots.front().was_there);
    CHECK_FALSE(report->snapshots.back().was_there);
    CHECK(report->bytes_read > 100'000);
    CHECK(report->bytes_read < 4'000'000);
    CHECK(report->snapshots.back().added_data.plain_bytes == report->bytes_read);
    world.check_restores(world.copies().back().snapshot);
    world.check_undamaged();
  };
  SECTION("by the same process") { check(world.copy()); }
  SECTION("by another one") {
    world.reopen();
    check(world.copy());
  }
  SECTION("also if nothing may be trusted, because a pack is condemned") {
    world.reopen();
    repo::ops::OpenRepository& parts = repo::ops::opened(*world.to);
    repo::format::Condemned condemned;
    condemned.packs = {repo::PackId::from(core::hash256(core::as_view("gone")).view())};
    const auto packs = world.destination.objects("packs");
    const auto first = core::Hash256::from_hex(packs.front().substr(packs.front().rfind('/') + 1));
    condemned.packs.push_back(repo::PackId::from(first->view()));
    std::ranges::sort(condemned.packs);
    REQUIRE(outcome(repo::store::put_condemned(*parts.backend, *parts.keys,
                                               parts.environment.random, condemned)) == "ok");
    const auto report = world.copy();
    REQUIRE(outcome(report) == "ok");
    // The pack may go at once.
    std::filesystem::remove(world.destination.object_file(packs.front()));
    world.reopen();
    const auto last = world.copies().back().snapshot;
    world.check_restores(last);
  }
}

TEST_CASE("a copy that was interrupted goes on where it stopped", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a/first", 3'000'000, 1), tree::file("b/second", 2'000'000, 2)});
  REQUIRE(outcome(world.source.backup(*world.from, {world.tree() + "/a", world.tree() + "/b"})) ==
          "ok");
  std::stop_source stop;
  world.destination.observer.on_progress = [&](const repo::Progress& progress) {
    world.destination.clock.advance(std::chrono::seconds(1));  // so that all of them are told
    if (progress.current_path.ends_with("/b")) {
      stop.request_stop();
    }
  };
  CHECK(outcome(world.copy({.stop = stop.get_token()})) == "interrupted");
  CHECK(world.copies().empty());
  CHECK(world.destination.objects("sessions").empty());
  CHECK(pack_bytes(world.destination) > 3'000'000);

  world.destination.observer.on_progress = nullptr;
  world.reopen();
  const auto report = world.copy();
  REQUIRE(outcome(report) == "ok");
  CHECK(pack_bytes(world.destination) < 5'100'000);
  const std::string out = world.destination.at("out");
  const auto restored =
      world.destination.restore(*world.to, world.copies().front().snapshot, "", out);
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(world.tree(), out + world.tree(), {.mtimes = false}) ==
        std::vector<std::string>());
}

TEST_CASE("roles that can copy, and roles that cannot", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a", 100'000)});
  world.backup();
  const auto open_as = [](RepoFixture& fixture, repo::Repository& admin, repo::Role role) {
    const std::string name(to_string(role));
    REQUIRE(outcome(repo::add_key(admin, {.role = role,
                                          .name = name,
                                          .credentials = RepoFixture::passphrase(name),
                                          .kdf = RepoFixture::cheap_kdf()})) == "ok");
    auto opened = fixture.open(name);
    REQUIRE(outcome(opened) == "ok");
    return *std::move(opened);
  };
  const auto copy = [&](repo::Repository& from, repo::Repository& to) {
    return repo::copy(from, to, {.program_version = "test"}, world.destination.observer);
  };
  for (const repo::Role role : {repo::Role::backup, repo::Role::maintain, repo::Role::audit}) {
    auto from = open_as(world.source, *world.from, role);
    CHECK(outcome(copy(from, *world.to)) == "not_permitted");
  }
  for (const repo::Role role : {repo::Role::restore, repo::Role::maintain, repo::Role::audit}) {
    auto to = open_as(world.destination, *world.to, role);
    CHECK(outcome(copy(*world.from, to)) == "not_permitted");
  }
  auto from = open_as(world.source, *world.from, repo::Role::restore);
  auto to = open_as(world.destination, *world.to, repo::Role::backup);
  REQUIRE(outcome(copy(from, to)) == "ok");
  const auto again = copy(from, to);
  REQUIRE(outcome(again) == "ok");
  CHECK(again->snapshots.front().was_there);
  REQUIRE(world.copies().size() == 1);
  world.check_restores(world.copies().front().snapshot);
}

TEST_CASE("a repository is not copied into itself", "[copy]") {
  TwoRepositories world;
  auto same = world.source.open();
  REQUIRE(outcome(same) == "ok");
  const auto report = repo::copy(*world.from, *same, {}, world.source.observer);
  REQUIRE(outcome(report) == "invalid_argument");
  CHECK_FALSE(report.error().hint().empty());
}

TEST_CASE("which snapshots are copied", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a", 1000)});
  const auto first = world.backup();
  const auto second = world.backup();
  const auto third = world.backup();
  SECTION("none in a dry run") {
    const auto report = world.copy({.dry_run = true});
    REQUIRE(outcome(report) == "ok");
    CHECK(report->snapshots.size() == 3);
    CHECK_FALSE(report->snapshots.front().copy.has_value());
    CHECK(world.destination.objects("snapshots").empty());
    CHECK(world.destination.objects("packs").empty());
  }
  SECTION("one by name") {
    const auto report = world.copy({.filter = {.names = {second.id->hex()}}});
    REQUIRE(outcome(report) == "ok");
    REQUIRE(world.copies().size() == 1);
    CHECK(world.copies().front().snapshot.start == second.snapshot.start);
  }
  SECTION("the newest") {
    REQUIRE(outcome(world.copy({.latest = 2})) == "ok");
    REQUIRE(world.copies().size() == 2);
    CHECK(world.copies().front().snapshot.start == second.snapshot.start);
    CHECK(world.copies().back().snapshot.start == third.snapshot.start);
  }
  SECTION("by policy") {
    repo::RetentionRules rules;
    rules.general.last = 1;
    REQUIRE(outcome(world.copy({.rules = rules})) == "ok");
    REQUIRE(world.copies().size() == 1);
    CHECK(world.copies().front().snapshot.start == third.snapshot.start);
  }
  SECTION("of a host") {
    REQUIRE(outcome(world.copy({.filter = {.hosts = {"elsewhere"}}})) == "ok");
    CHECK(world.copies().empty());
  }
  SECTION("a name that means none") {
    CHECK(outcome(world.copy({.filter = {.names = {"0000ffff"}}})) == "not_found");
  }
}

TEST_CASE("what the source has lost ends a copy, after the snapshots before", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a", 300'000, 1)});
  world.backup();
  const auto before = world.source.objects("packs");
  world.make({tree::file("b", 300'000, 2)});
  world.backup();
  for (const std::string& pack : world.source.objects("packs")) {
    if (std::ranges::find(before, pack) == before.end()) {
      const std::string path = world.source.object_file(pack);
      if (std::filesystem::file_size(path) > 200'000) {
        SECTION("a pack is gone") { std::filesystem::remove(path); }
        SECTION("a pack is damaged") { flip_byte(path, 100'000); }
      }
    }
  }
  world.reopen();
  const auto report = world.copy();
  CHECK((outcome(report) == "not_found" || outcome(report) == "corrupt"));
  CHECK(report.error().message().find("copy snapshot") != std::string::npos);
  CHECK(world.copies().size() == 1);
  CHECK(world.destination.objects("sessions").empty());
  world.check_undamaged();
}

TEST_CASE("a copy that was fenced starts again", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a", 1'000'000)});
  world.backup();
  auto collector = world.destination.open();
  REQUIRE(outcome(collector) == "ok");
  bool fenced = false;
  world.destination.observer.on_progress = [&](const repo::Progress& /*progress*/) {
    repo::ops::OpenRepository& parts = repo::ops::opened(*collector);
    const auto sessions = repo::ops::list_announced_sessions(parts);
    REQUIRE(outcome(sessions) == "ok");
    if (!fenced && !sessions->empty()) {
      fenced = true;
      REQUIRE(outcome(repo::store::put_fence(*parts.backend, *parts.keys, parts.environment.random,
                                             sessions->begin()->first)) == "ok");
    }
  };
  const auto report = world.copy();
  REQUIRE(outcome(report) == "ok");
  CHECK(fenced);
  CHECK(world.copies().size() == 1);
  CHECK(report->snapshots.front().added_data.chunks == 0);  // the first attempt stored them
  world.check_restores(world.copies().front().snapshot);
}

TEST_CASE("a copy stops before the destination's limit, and goes on under a larger one", "[copy]") {
  TwoRepositories world;
  world.make({tree::file("a", 1'000'000, 1)});
  world.backup();
  world.make({tree::file("b", 5'000'000, 2), tree::file("c", 5'000'000, 3)});
  world.backup();
  const auto limit = [&world](std::uint64_t bytes) {
    REQUIRE(outcome(repo::change_settings(*world.to, {.max_repo_bytes = bytes},
                                          world.destination.observer)) == "ok");
  };
  limit(8'000'000);
  const auto full = world.copy();
  REQUIRE(outcome(full) == "no_space");
  CHECK_THAT(full.error().message(), Catch::Contains("above 7.6 MiB"));
  CHECK(world.copies().size() == 1);  // the first one had room
  CHECK(world.destination.objects("sessions").empty());
  const std::uint64_t stopped_at = pack_bytes(world.destination);
  CHECK(stopped_at > 4'000'000);
  CHECK(stopped_at < 8'000'000);
  world.check_undamaged();

  limit(0);
  const auto done = world.copy();
  REQUIRE(outcome(done) == "ok");
  CHECK(done->written_bytes < 8'000'000);
  REQUIRE(world.copies().size() == 2);
  world.check_restores(world.copies().back().snapshot);
  world.check_undamaged();
}
