#include "cairn/repo/marks.h"

#include <filesystem>

#include "cairn/repo/forget.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/stats.h"
#include "cairn/repo/verify.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "ops/repository/open_repository.h"
#include "several_snapshots.h"
#include "store/objects/records.h"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;
using Tags = std::vector<std::string>;

repo::format::Mark mark_of(const repo::SnapshotId& id, std::uint64_t number, Tags tags) {
  repo::format::Mark mark;
  mark.snapshot = id;
  mark.number = number;
  mark.tags = std::move(tags);
  return mark;
}

repo::MarkId put(SeveralSnapshots& several, repo::format::Mark mark) {
  repo::ops::OpenRepository& parts = repo::ops::opened(*several.repository);
  const auto id =
      repo::store::put_mark(*parts.backend, *parts.keys, parts.environment.random, std::move(mark));
  REQUIRE(outcome(id) == "ok");
  return *id;
}

}  // namespace

TEST_CASE("tags come and go without a new snapshot", "[marks]") {
  SeveralSnapshots several(0);
  several.backup({"old"});
  several.backup();
  auto& repository = *several.repository;
  auto& observer = several.fixture.observer;
  const auto registers = several.fixture.objects("snapshots");
  const auto before = read_file(several.fixture.object_file(registers[0]));

  const auto added = add_tags(repository, {several.name(0), "latest"}, {"b", "a", "b"}, observer);
  REQUIRE(outcome(added) == "ok");
  CHECK(added->changed == 2);
  REQUIRE(added->snapshots.size() == 2);
  CHECK(added->snapshots[0].snapshot.tags == Tags{"a", "b", "old"});
  CHECK(added->snapshots[1].snapshot.tags == Tags{"a", "b"});
  CHECK(several.listed()[0].snapshot.tags == Tags{"a", "b", "old"});

  const auto removed = remove_tags(repository, {several.name(0)}, {"old", "none"}, observer);
  REQUIRE(outcome(removed) == "ok");
  CHECK(removed->changed == 1);
  CHECK(several.listed()[0].snapshot.tags == Tags{"a", "b"});

  const auto with_tag = [&](const char* tag) {
    return repo::select_snapshots(repository, {.tag_lists = {{tag}}}, observer)->snapshots.size();
  };
  CHECK(with_tag("a") == 2);
  CHECK(with_tag("old") == 0);
  CHECK(repo::find_snapshot(repository, several.name(1).substr(0, 8), observer)->snapshot.tags ==
        Tags{"a", "b"});
  // One mark a snapshot is left, the snapshots are as they were, and all is well.
  CHECK(several.fixture.objects("marks").size() == 2);
  CHECK(several.fixture.objects("snapshots") == registers);
  CHECK(read_file(several.fixture.object_file(registers[0])) == before);
  CHECK(several.damage().empty());
}

TEST_CASE("pins come and go, and leave tags alone", "[marks]") {
  SeveralSnapshots several(0);
  several.backup({"t"});
  several.backup();
  auto& repository = *several.repository;
  auto& observer = several.fixture.observer;
  CHECK_FALSE(several.listed()[0].pinned);
  const auto pinned = pin(repository, {several.name(0)}, observer);
  REQUIRE(outcome(pinned) == "ok");
  CHECK(pinned->changed == 1);
  CHECK(pinned->snapshots[0].pinned);
  CHECK(several.listed()[0].pinned);
  CHECK(several.listed()[0].snapshot.tags == Tags{"t"});
  CHECK_FALSE(several.listed()[1].pinned);
  REQUIRE(outcome(add_tags(repository, {several.name(0)}, {"u"}, observer)) == "ok");
  CHECK(several.listed()[0].pinned);
  REQUIRE(outcome(unpin(repository, {several.name(0)}, observer)) == "ok");
  CHECK_FALSE(several.listed()[0].pinned);
  CHECK(several.listed()[0].snapshot.tags == Tags{"t", "u"});
}

TEST_CASE("what is as it should be is not touched", "[marks]") {
  SeveralSnapshots several(2);
  auto& repository = *several.repository;
  auto& observer = several.fixture.observer;
  const auto changed = [](const core::Result<repo::MarkReport>& report) {
    REQUIRE(outcome(report) == "ok");
    return report->changed;
  };
  CHECK(changed(unpin(repository, {several.name(0)}, observer)) == 0);
  CHECK(changed(remove_tags(repository, {several.name(0)}, {"t"}, observer)) == 0);
  CHECK(several.fixture.objects("marks").empty());
  CHECK(changed(pin(repository, {several.name(0)}, observer)) == 1);
  const auto marks = several.fixture.objects("marks");
  CHECK(changed(pin(repository, {several.name(0)}, observer)) == 0);
  CHECK(several.fixture.objects("marks") == marks);
  CHECK(changed(pin(repository, {several.name(0), several.name(1)}, observer)) == 1);
}

TEST_CASE("nothing is marked unless all names mean something", "[marks]") {
  SeveralSnapshots several(1);
  auto& repository = *several.repository;
  auto& observer = several.fixture.observer;
  CHECK(outcome(pin(repository, {several.name(0), "ffffffff"}, observer)) == "not_found");
  CHECK(outcome(pin(repository, {several.name(0), "ff"}, observer)) == "invalid_argument");
  CHECK(outcome(add_tags(repository, {"latest"}, {"a", ""}, observer)) == "invalid_argument");
  CHECK(outcome(add_tags(repository, {"latest"}, {std::string(1025, 'x')}, observer)) ==
        "limit_exceeded");
  Tags many;
  for (int i = 0; i < 257; ++i) {
    many.push_back("t" + std::to_string(i));
  }
  const auto too_many = add_tags(repository, {"latest"}, many, observer);
  CHECK(outcome(too_many) == "limit_exceeded");
  CHECK_THAT(message_of(too_many), Catch::Contains("257") && Catch::Contains("256"));
  CHECK(several.fixture.objects("marks").empty());
  many.pop_back();
  CHECK(outcome(add_tags(repository, {"latest"}, many, observer)) == "ok");
  CHECK(several.listed()[0].snapshot.tags.size() == 256);
  CHECK(outcome(add_tags(repository, {"latest"}, {"one more"}, observer)) == "limit_exceeded");
}

TEST_CASE("only admin and maintain mark; whoever reads snapshots sees it", "[marks]") {
  SeveralSnapshots several(1);
  REQUIRE(outcome(pin(*several.repository, {"latest"}, several.fixture.observer)) == "ok");
  const auto role =
      GENERATE(repo::Role::backup, repo::Role::restore, repo::Role::maintain, repo::Role::audit);
  CAPTURE(to_string(role));
  several.add_key(role);
  auto client = several.open_as(role);
  REQUIRE(outcome(client) == "ok");
  const auto tagged = add_tags(*client, {"latest"}, {"t"}, several.fixture.observer);
  if (role == repo::Role::maintain) {
    REQUIRE(outcome(tagged) == "ok");
    CHECK(several.listed()[0].snapshot.tags == Tags{"t"});
  } else {
    REQUIRE(outcome(tagged) == "not_permitted");
    CHECK_THAT(tagged.error().message(), Catch::Contains(std::string(to_string(role))));
    CHECK_THAT(tagged.error().hint(), Catch::Contains("admin or maintain"));
    CHECK(several.fixture.objects("marks").size() == 1);
  }
  if (role != repo::Role::backup) {
    CHECK(repo::find_snapshot(*client, "latest", several.fixture.observer)->pinned);
  }
  CHECK(several.listed()[0].pinned);
}

TEST_CASE("of several marks the one with the highest number counts", "[marks]") {
  SeveralSnapshots several(2);
  put(several, mark_of(several.ids[0], 2, {"two"}));
  put(several, mark_of(several.ids[0], 10, {"ten"}));
  put(several, mark_of(several.ids[0], 3, {"three"}));
  CHECK(several.listed()[0].snapshot.tags == Tags{"ten"});
  CHECK(several.listed()[1].snapshot.tags.empty());
  // Two that were written at the same time: everybody takes the same one.
  const auto x = put(several, mark_of(several.ids[1], 5, {"x"}));
  const auto y = put(several, mark_of(several.ids[1], 5, {"y"}));
  CHECK(several.listed()[1].snapshot.tags == Tags{x > y ? "x" : "y"});
  // The next one counts, and clears the others away.
  REQUIRE(outcome(add_tags(*several.repository, {several.name(0), several.name(1)}, {"new"},
                           several.fixture.observer)) == "ok");
  CHECK(several.listed()[0].snapshot.tags == Tags{"new", "ten"});
  CHECK(several.fixture.objects("marks").size() == 2);
}

TEST_CASE("there is a last number", "[marks]") {
  SeveralSnapshots several(1);
  const auto id = put(several, mark_of(several.ids[0], UINT64_MAX, {"t"}));
  const auto pinned = pin(*several.repository, {"latest"}, several.fixture.observer);
  REQUIRE(outcome(pinned) == "limit_exceeded");
  CHECK_THAT(pinned.error().hint(), Catch::Contains("marks/" + id.hex()));
  CHECK(several.fixture.objects("marks").size() == 1);
}

TEST_CASE("a repository without a folder for marks has none, and gets one", "[marks]") {
  SeveralSnapshots several(1);
  fs::remove(several.fixture.at("repo/marks"));
  CHECK(several.listed().size() == 1);
  CHECK(several.damage().empty());
  CHECK(outcome(repo::statistics(*several.repository, several.fixture.observer)) == "ok");
  REQUIRE(outcome(pin(*several.repository, {"latest"}, several.fixture.observer)) == "ok");
  CHECK(several.fixture.objects("marks").size() == 1);
  CHECK(several.listed()[0].pinned);
}

TEST_CASE("a damaged mark is told, and costs no snapshot", "[marks]") {
  SeveralSnapshots several(0);
  several.backup({"first"});
  several.backup();
  REQUIRE(outcome(add_tags(*several.repository, {several.name(0)}, {"t"},
                           several.fixture.observer)) == "ok");
  REQUIRE(outcome(pin(*several.repository, {several.name(1)}, several.fixture.observer)) == "ok");
  const auto marks = several.fixture.objects("marks");
  REQUIRE(marks.size() == 2);
  for (const std::string& mark : marks) {
    flip_byte(several.fixture.object_file(mark), 40);
  }
  several.fixture.observer.warnings.clear();
  const auto listed = several.listed();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].snapshot.tags == Tags{"first"});
  CHECK_FALSE(listed[1].pinned);
  REQUIRE(several.fixture.observer.warnings.size() == 2);
  CHECK_THAT(several.fixture.observer.warnings[0], Catch::Contains("marks/"));

  const auto report = several.fixture.verify(*several.repository, false);
  REQUIRE(outcome(report) == "ok");
  REQUIRE(report->findings.size() == 2);
  CHECK(report->findings[0].severity == repo::Finding::Severity::damage);
  CHECK((report->findings[0].object == marks[0] || report->findings[0].object == marks[1]));
  CHECK_THAT(report->findings[0].advice, Catch::Contains("cairn snapshots pin"));
  CHECK(report->findings[0].affected.empty());

  // As the advice says.
  REQUIRE(outcome(pin(*several.repository, {several.name(1)}, several.fixture.observer)) == "ok");
  for (const std::string& mark : marks) {
    fs::remove(several.fixture.object_file(mark));
  }
  CHECK(several.listed()[1].pinned);
  CHECK(several.damage().empty());
}

TEST_CASE("marks count among what is stored", "[marks]") {
  SeveralSnapshots several(1);
  const auto before = repo::statistics(*several.repository, several.fixture.observer);
  REQUIRE(outcome(pin(*several.repository, {"latest"}, several.fixture.observer)) == "ok");
  const auto after = repo::statistics(*several.repository, several.fixture.observer);
  const auto mark = several.fixture.objects("marks").front();
  CHECK(after->stored_bytes - before->stored_bytes ==
        fs::file_size(several.fixture.object_file(mark)));
}

TEST_CASE("whatever call of marking fails, it can be repeated", "[marks]") {
  const auto met = for_each_fault([](const Fault& fault) {
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    SeveralSnapshots several(2, &faulty);
    auto& observer = several.fixture.observer;
    REQUIRE(outcome(pin(*several.repository, {several.name(0)}, observer)) == "ok");
    const std::vector<std::string> both = {several.name(0), several.name(1)};
    faulty.arm(fault);
    const auto tagged = add_tags(*several.repository, both, {"t"}, observer);
    faulty.disarm();
    const bool hit = faulty.fault_hit();
    CHECK((tagged || hit));
    CHECK(several.listed()[0].pinned);
    CHECK(outcome(add_tags(*several.repository, both, {"t"}, observer)) == "ok");
    CHECK(several.listed()[0].pinned);
    CHECK(several.listed()[0].snapshot.tags == Tags{"t"});
    CHECK(several.listed()[1].snapshot.tags == Tags{"t"});
    const auto report = several.fixture.verify(*several.repository, false);
    CHECK((report && report->findings.empty()));
    return hit;
  });
  CHECK(met > 10);
}

TEST_CASE("a prune takes the marks of forgotten snapshots away, and no others", "[marks]") {
  SeveralSnapshots several(2);
  auto& repository = *several.repository;
  auto& observer = several.fixture.observer;
  REQUIRE(outcome(add_tags(repository, {several.name(0)}, {"a"}, observer)) == "ok");
  REQUIRE(outcome(add_tags(repository, {several.name(1)}, {"b"}, observer)) == "ok");
  REQUIRE(outcome(repo::forget(repository, {.snapshots = {several.name(0)}}, observer)) == "ok");
  CHECK(several.fixture.objects("marks").size() == 2);
  REQUIRE(outcome(repo::prune(repository, {}, observer)) == "ok");
  CHECK(several.fixture.objects("marks").size() == 1);
  CHECK(several.listed()[0].snapshot.tags == Tags{"b"});
  CHECK(several.damage().empty());
}
