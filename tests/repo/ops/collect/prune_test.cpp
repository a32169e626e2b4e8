#include "cairn/repo/prune.h"

#include <filesystem>
#include <map>

#include "collecting.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "loop_disk.h"
#include "ops/writing/announced_sessions.h"
#include "ops/writing/condemned_packs.h"
#include "ops/writing/writing_session.h"

using namespace cairn;
using namespace cairn::test;

namespace {

/// Some 190 calls can fail, in five ways, and what follows each takes a fifth of a second: the
/// loops take one in so many.
constexpr std::uint64_t kOneCallIn = 11;

/// Two snapshots: of what stays, and of what comes on top.
struct TwoSnapshots {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");
  repo::SnapshotId first;
  repo::SnapshotId second;

  TwoSnapshots() {
    REQUIRE(make_tree(fixture.at("source"),
                      {tree::file("old", 400'000, 1), tree::file("both", 300'000, 2)})
                .empty());
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    first = backup();
    std::filesystem::remove(fixture.at("source/old"));
    REQUIRE(make_tree(fixture.at("source"), {tree::file("new", 200'000, 3)}).empty());
    second = backup();
  }

  /// A copy on another file system, as it was after the second snapshot.
  TwoSnapshots(const TwoSnapshots& other, core::FileSystem* file_system)
      : fixture(file_system), first(other.first), second(other.second) {
    for (const char* const folder : {"repo", "cache"}) {
      std::filesystem::copy(other.fixture.at(folder), fixture.at(folder),
                            std::filesystem::copy_options::recursive);
    }
    repository = fixture.open();
    REQUIRE(outcome(repository) == "ok");
  }

  repo::SnapshotId backup() {
    const auto report = fixture.backup(*repository, {fixture.at("source")});
    REQUIRE(outcome(report) == "ok");
    return *report->id;
  }
  core::Result<repo::PruneReport> prune_all() {
    return prune(fixture, *repository, {.max_unused = 0});
  }
  [[nodiscard]] std::size_t count(std::string_view folder) const {
    return fixture.objects(folder).size();
  }
};

}  // namespace

TEST_CASE("prune gives back what no snapshot needs and keeps the rest", "[prune]") {
  TwoSnapshots world;
  const std::uint64_t before = pack_bytes(world.fixture);
  bury(*world.repository, world.first);

  const auto report = world.prune_all();
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshots == 1);
  CHECK(report->removed.packs > 0);
  CHECK(report->snapshots_removed == 1);
  CHECK(report->before.bytes == before);
  const std::uint64_t after = pack_bytes(world.fixture);
  CHECK(after == before - report->removed.bytes + report->written.bytes);
  // 500,000 incompressible bytes are needed; directories and nodes come on top.
  CHECK(after > 500'000);
  CHECK(after < 510'000);
  CHECK(world.count("snapshots") == 1);
  CHECK(world.count("condemned") == 0);
  check_all_restore(world.fixture, 1);

  SECTION("and has nothing to do the next time") {
    const auto again = world.prune_all();
    REQUIRE(outcome(again) == "ok");
    CHECK(again->removed.packs == 0);
    CHECK(again->written.packs == 0);
    CHECK(again->unused_bytes == 0);
  }
  SECTION("and the next backup finds everything") {
    world.backup();
    CHECK(pack_bytes(world.fixture) < after + 5'000);
    check_all_restore(world.fixture, 2);
  }
}

TEST_CASE("a dry run of prune says what it would do and does nothing", "[prune]") {
  TwoSnapshots world;
  bury(*world.repository, world.first);
  const auto packs = world.fixture.objects("packs");
  const auto planned = prune(world.fixture, *world.repository, {.max_unused = 0, .dry_run = true});
  REQUIRE(outcome(planned) == "ok");
  CHECK(planned->to_repack.packs + planned->to_remove.packs > 0);
  CHECK(planned->unused_bytes > 400'000);
  CHECK(planned->removed.packs == 0);
  CHECK(world.fixture.objects("packs") == packs);
  CHECK(world.count("snapshots") == 2);
}

TEST_CASE("prune leaves waste within the limit where it is", "[prune]") {
  TwoSnapshots world;
  bury(*world.repository, world.first);
  const auto report = prune(world.fixture, *world.repository, {.max_unused = 1.0});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->written.packs == 0);
  CHECK(report->unused_left_bytes > 300'000);
  check_all_restore(world.fixture, 1);
}

TEST_CASE("prune rewrites no more than it is allowed to", "[prune]") {
  TwoSnapshots world;
  bury(*world.repository, world.first);
  const auto report =
      prune(world.fixture, *world.repository, {.max_unused = 0, .max_repack_bytes = 0});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->written.packs == 0);
  CHECK(report->to_repack.packs == 0);
  check_all_restore(world.fixture, 1);
}

TEST_CASE("a role that cannot open data moves whole blocks, and leaves the others", "[prune]") {
  TwoSnapshots world;
  REQUIRE(outcome(repo::add_key(*world.repository, {.role = repo::Role::maintain,
                                                    .name = "keeper",
                                                    .credentials = RepoFixture::passphrase("keep"),
                                                    .kdf = RepoFixture::cheap_kdf()})) == "ok");
  auto keeper = world.fixture.open("keep");
  REQUIRE(outcome(keeper) == "ok");
  bury(*keeper, world.first);
  const auto report = prune(world.fixture, *keeper, {.max_unused = 0, .repack_small = true});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->written.packs > 0);
  check_all_restore(world.fixture, 1);
}

TEST_CASE("roles that may not take anything away may not prune", "[prune]") {
  TwoSnapshots world;
  for (const repo::Role role : {repo::Role::backup, repo::Role::restore, repo::Role::audit}) {
    const std::string name(to_string(role));
    REQUIRE(outcome(repo::add_key(*world.repository, {.role = role,
                                                      .name = name,
                                                      .credentials = RepoFixture::passphrase(name),
                                                      .kdf = RepoFixture::cheap_kdf()})) == "ok");
    auto opened = world.fixture.open(name);
    REQUIRE(outcome(opened) == "ok");
    CHECK(outcome(prune(world.fixture, *opened)) == "not_permitted");
  }
}

TEST_CASE("small packs are put together when there are many, or when asked", "[prune]") {
  TwoSnapshots world;
  const std::size_t packs = world.count("packs");
  const auto unasked = world.prune_all();
  REQUIRE(outcome(unasked) == "ok");
  CHECK(world.count("packs") == packs);
  const auto asked = prune(world.fixture, *world.repository, {.repack_small = true});
  REQUIRE(outcome(asked) == "ok");
  CHECK(world.count("packs") == 2);  // one of data, one of metadata
  CHECK(world.count("index") == 1);
  check_all_restore(world.fixture, 2);
}

TEST_CASE("nothing is deleted while it is not known what is needed", "[prune]") {
  TwoSnapshots world;
  const auto packs = world.fixture.objects("packs");
  SECTION("a snapshot is damaged") {
    const std::string path = world.fixture.object_file("snapshots/" + world.second.hex());
    core::Bytes bytes = read_file(path);
    flip_byte(path, bytes.size() / 4);
    flip_byte(path, bytes.size() / 4 * 3);
  }
  SECTION("a pack is gone") { std::filesystem::remove(world.fixture.object_file(packs.front())); }
  const auto report = world.prune_all();
  CHECK((outcome(report) == "corrupt" || outcome(report) == "not_found"));
  CHECK_FALSE(report.error().hint().empty());
  CHECK(world.count("packs") >= packs.size() - 1);
  CHECK(world.count("snapshots") == 2);
}

TEST_CASE("what a dead collector has condemned is copied, deleted and taken off the list",
          "[prune]") {
  TwoSnapshots world;
  repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
  repo::format::Condemned condemned;
  condemned.packs = {};
  for (const std::string& object : world.fixture.objects("packs")) {
    const auto id = core::Hash256::from_hex(object.substr(object.rfind('/') + 1));
    condemned.packs.push_back(repo::PackId::from(id->view()));
  }
  std::ranges::sort(condemned.packs);
  REQUIRE(outcome(repo::store::put_condemned(*parts.backend, *parts.keys, parts.environment.random,
                                             condemned)) == "ok");
  SECTION("a backup relies on none of it") {
    const std::uint64_t before = pack_bytes(world.fixture);
    world.backup();
    CHECK(pack_bytes(world.fixture) > before + 500'000);
  }
  const auto report = world.prune_all();
  REQUIRE(outcome(report) == "ok");
  CHECK(report->removed.packs >= condemned.packs.size());
  CHECK(world.count("condemned") == 0);
  for (const repo::PackId& id : condemned.packs) {
    CHECK_FALSE(std::filesystem::exists(
        world.fixture.object_file("packs/" + id.hex().substr(0, 2) + "/" + id.hex())));
  }
  check_all_restore(world.fixture, world.count("snapshots"));
}

TEST_CASE("a tombstone that nobody has signed takes nothing away", "[prune]") {
  TwoSnapshots world;
  write_file(world.fixture.object_file("forgotten/" + world.first.hex()),
             world.fixture.random.bytes(500));
  const std::uint64_t before = pack_bytes(world.fixture);
  const auto report = world.prune_all();
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshots == 2);
  CHECK(pack_bytes(world.fixture) == before);
  CHECK(world.count("snapshots") == 2);
}

TEST_CASE("a record that names nothing any more is removed even if there is no other work",
          "[prune]") {
  TwoSnapshots world;
  repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
  repo::format::Condemned condemned;
  condemned.packs = {repo::PackId::from(core::hash256(core::as_view("gone")).view())};
  REQUIRE(outcome(repo::store::put_condemned(*parts.backend, *parts.keys, parts.environment.random,
                                             condemned)) == "ok");
  REQUIRE(outcome(world.prune_all()) == "ok");
  CHECK(world.count("condemned") == 0);
}

TEST_CASE("a session without a sign of life is fenced, one with a heartbeat is waited for",
          "[prune]") {
  TwoSnapshots world;
  bury(*world.repository, world.first);
  auto other = world.fixture.open("correct horse", world.fixture.at("other"));
  REQUIRE(outcome(other) == "ok");
  auto session =
      repo::ops::WritingSession::begin(repo::ops::opened(*other), {}, world.fixture.observer);
  REQUIRE(outcome(session) == "ok");
  const std::uint64_t before_ns = world.fixture.clock.monotonic_ns();

  const auto report =
      prune(world.fixture, *world.repository, {.max_unused = 0, .stale_after_seconds = 90});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->sessions_given_up == 1);
  CHECK(world.fixture.clock.monotonic_ns() - before_ns >= 90'000'000'000);
  CHECK(report->removed.packs > 0);

  std::uint64_t written = 0;
  const auto snapshots = repo::list_snapshots(*other, world.fixture.observer);
  REQUIRE(outcome(snapshots) == "ok");
  const auto published =
      (*session)->publish(snapshots->front().snapshot, written, world.fixture.observer);
  CHECK(outcome(published) == "fenced");
  CHECK(world.count("sessions") == 0);  // cleared away; the fence stays
  session->reset();
  check_all_restore(world.fixture, 1);
}

TEST_CASE("a fenced run that goes on lists packs that are gone, and nobody is led there",
          "[prune]") {
  TwoSnapshots world;
  auto other = world.fixture.open("correct horse", world.fixture.at("other"));
  REQUIRE(outcome(other) == "ok");
  REQUIRE(make_tree(world.fixture.at("source"), {tree::file("third", 250'000, 7)}).empty());
  // It stops behind its last pack; then all that it has stored is collected.
  REQUIRE(outcome(world.fixture.backup(*other, {world.fixture.at("source")})) == "ok");
  const auto listed = repo::list_snapshots(*other, world.fixture.observer);
  REQUIRE(outcome(listed) == "ok");
  const repo::SnapshotId third = listed->back().id;
  const auto index = world.fixture.objects("index");
  std::map<std::string, core::Bytes> segments;
  for (const std::string& segment : index) {
    segments[segment] = read_file(world.fixture.object_file(segment));
  }
  bury(*world.repository, third);
  REQUIRE(outcome(world.prune_all()) == "ok");
  // It wakes up and lists them, finds the fence, and begins again.
  for (const auto& [segment, bytes] : segments) {
    write_file(world.fixture.object_file(segment), bytes);
  }
  const auto again = world.fixture.backup(*other, {world.fixture.at("source")});
  REQUIRE(outcome(again) == "ok");
  check_all_restore(world.fixture, 3);
  REQUIRE(outcome(world.prune_all()) == "ok");
  check_all_restore(world.fixture, 3);
}

TEST_CASE("a heartbeat starts the wait anew", "[prune]") {
  TwoSnapshots world;
  auto other = world.fixture.open("correct horse", world.fixture.at("other"));
  auto session =
      repo::ops::WritingSession::begin(repo::ops::opened(*other), {}, world.fixture.observer);
  REQUIRE(outcome(session) == "ok");
  REQUIRE(outcome((*session)->beat()) == "ok");
  REQUIRE(outcome((*session)->beat()) == "ok");
  CHECK(world.count("sessions") == 2);  // the announcement and the last heartbeat
  const auto listed = repo::ops::list_announced_sessions(repo::ops::opened(*world.repository));
  REQUIRE(outcome(listed) == "ok");
  REQUIRE(listed->size() == 1);
  CHECK(listed->begin()->second.newest.heartbeat == 2);
  CHECK(listed->begin()->first == (*session)->id());
  session->reset();
  CHECK(world.count("sessions") == 0);
}

TEST_CASE("a backup whose process is gone is given up at once", "[prune]") {
  TwoSnapshots world;
  bury(*world.repository, world.first);
  repo::Environment environment = world.fixture.environment();
  environment.process = {.place = core::hash256(core::as_view("here")), .number = 4321, .start = 7};
  environment.process_is_gone = [own = environment.process](const core::ProcessIdentity& process) {
    return process == own;
  };
  auto dead = repo::Repository::open(
      environment, {.location = world.fixture.at("repo"), .credentials = RepoFixture::passphrase()},
      world.fixture.observer);
  REQUIRE(outcome(dead) == "ok");
  auto session =
      repo::ops::WritingSession::begin(repo::ops::opened(*dead), {}, world.fixture.observer);
  REQUIRE(outcome(session) == "ok");
  const std::uint64_t before_ns = world.fixture.clock.monotonic_ns();
  const auto report = prune(world.fixture, *dead, {.max_unused = 0});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->sessions_given_up == 1);
  CHECK(world.fixture.clock.monotonic_ns() == before_ns);
}

TEST_CASE("names that are not ours stay, in every folder", "[prune]") {
  TwoSnapshots world;
  const std::vector<std::string> foreign = {"packs/README",        "packs/zz/x",   "index/.nfs01",
                                            "snapshots/notes.txt", "lost+found/y", "mine"};
  for (const std::string& name : foreign) {
    const std::filesystem::path path(world.fixture.object_file(name));
    std::filesystem::create_directories(path.parent_path());
    write_file(path.string(), core::as_view("x"));
  }
  bury(*world.repository, world.first);
  REQUIRE(outcome(world.prune_all()) == "ok");
  for (const std::string& name : foreign) {
    CHECK(std::filesystem::exists(world.fixture.object_file(name)));
  }
}

TEST_CASE("whatever call of a prune fails, nothing is lost and the next one goes on", "[prune]") {
  TwoSnapshots original;
  original.repository = core::fail(core::ErrorCode::io, "closed");
  const auto met = for_each_fault([&original](const Fault& fault) {
    if (fault.at_call % kOneCallIn != 1) {
      return true;
    }
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    TwoSnapshots world(original, &faulty);
    bury(*world.repository, world.first);
    faulty.arm(fault);
    const auto report = world.prune_all();
    faulty.disarm();
    const bool hit = faulty.fault_hit();
    CHECK((report || hit));
    check_all_restore(world.fixture, 1);
    const auto again = prune(world.fixture, *world.repository, {.max_unused = 0});
    REQUIRE(outcome(again) == "ok");
    CHECK(world.count("condemned") == 0);
    CHECK(pack_bytes(world.fixture) < 510'000);
    check_all_restore(world.fixture, 1);
    return hit;
  });
  CHECK(met > 5 * kOneCallIn);
}

TEST_CASE("wherever the power is cut in a prune, every snapshot restores", "[prune]") {
  TwoSnapshots original;
  original.repository = core::fail(core::ErrorCode::io, "closed");
  const auto met = for_each_power_cut(0, [&original](const PowerCut& cut) {
    if (cut.fault.at_call % kOneCallIn != 2) {
      return true;
    }
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    TwoSnapshots world(original, &faulty);
    bury(*world.repository, world.first);
    faulty.arm(cut.fault);
    const auto report = world.prune_all();
    const bool hit = faulty.fault_hit();
    REQUIRE(faulty.crash(cut.seed));
    check_all_restore(world.fixture, 1);
    return hit;
  });
  CHECK(met > 5 * kOneCallIn);
}

TEST_CASE("a full disk under a prune: what needs no room is given back", "[prune]") {
  RepoFixture fixture;
  const LoopDisk disk(fixture.at("repo"), 8);
  if (!disk.is_mounted()) {
    WARN("skipped: needs root, mkfs.ext4 and a loop device");
    return;
  }
  REQUIRE(make_tree(fixture.at("source"),
                    {tree::file("a", 1'500'000, 1), tree::file("b", 1'500'000, 2)})
              .empty());
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  const auto first = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(first) == "ok");
  std::filesystem::remove(fixture.at("source/a"));
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  bury(*repository, *first->id);
  // Room for the records of a prune, not for a copy of b.
  std::filesystem::remove(fixture.at("repo/reserve"));
  write_file(fixture.at("repo/filler"), core::Bytes(3'200'000, std::byte{1}));

  const auto report = prune(fixture, *repository, {.max_unused = 0});
  if (report) {
    CHECK(report->stopped_for_space);
  } else {
    CHECK(outcome(report) == "no_space");
  }
  CHECK(fixture.objects("tmp").empty());
  check_all_restore(fixture, 1);
  std::filesystem::remove(fixture.at("repo/filler"));
  const auto again = prune(fixture, *repository, {.max_unused = 0});
  REQUIRE(outcome(again) == "ok");
  CHECK(pack_bytes(fixture) < 1'520'000);
  CHECK(fixture.objects("condemned").empty());
  check_all_restore(fixture, 1);
}
