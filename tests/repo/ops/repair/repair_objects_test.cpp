#include <filesystem>
#include <map>

#include "cairn/repo/forget.h"
#include "cairn/repo/marks.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/repair.h"
#include "cairn/repo/settings.h"
#include "fault_backend.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "ops/repository/local_catalogue.h"
#include "several_snapshots.h"
#include "store/objects/records.h"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;
using Action = repo::RepairedObject::Action;

bool says(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Every kind of small object there is: two snapshots stand, one was forgotten, a second key.
struct AllKinds : SeveralSnapshots {
  explicit AllKinds(core::FileSystem* file_system = nullptr) : SeveralSnapshots(3, file_system) {
    add_key(repo::Role::restore);
    REQUIRE(outcome(repo::forget(*repository, {.snapshots = {name(0)}}, fixture.observer)) == "ok");
    REQUIRE(outcome(repo::add_tags(*repository, {name(1)}, {"tag"}, fixture.observer)) == "ok");
    REQUIRE(outcome(repo::change_settings(*repository, {.max_repo_bytes = 1'000'000'000},
                                          fixture.observer)) == "ok");
  }

  [[nodiscard]] std::string file_of(std::string_view folder) const {
    return folder == "config" ? fixture.object_file("config")
                              : fixture.object_file(fixture.objects(folder).front());
  }

  core::Result<std::vector<repo::RepairedObject>> mend(bool dry_run = false) {
    auto fresh = fixture.open("correct horse", fixture.at("mending cache"));
    REQUIRE(outcome(fresh) == "ok");
    return repo::repair_objects(*fresh, {.dry_run = dry_run}, fixture.observer);
  }

  /// What verify advises, all in one.
  [[nodiscard]] std::string advice() {
    const auto report = fixture.verify(*repository);
    REQUIRE(outcome(report) == "ok");
    std::string text;
    for (const repo::Finding& finding : report->findings) {
      text += finding.advice + '\n';
    }
    return text;
  }
};

}  // namespace

TEST_CASE("what has an intact copy is written anew from it", "[repair]") {
  const std::string folder = GENERATE("config", "keys", "snapshots", "forgotten");
  const std::string how = GENERATE("first copy", "second copy", "cut", "grown");
  CAPTURE(folder, how);
  AllKinds all;
  const std::string file = all.file_of(folder);
  const core::Bytes good = read_file(file);
  core::Bytes bad = good;
  if (how == "cut") {
    bad.resize(bad.size() - 20);
  } else if (how == "grown") {
    bad.resize(bad.size() + 20);
  } else {
    bad[how == "first copy" ? 20 : bad.size() - 20] ^= std::byte{1};
  }
  write_file(file, bad);
  CHECK_FALSE(all.damage().empty());
  CHECK(says(all.advice(), "cairn repair objects"));

  REQUIRE(outcome(all.mend(true)) == "ok");
  CHECK(read_file(file) == bad);
  const auto mended = all.mend();
  REQUIRE(outcome(mended) == "ok");
  REQUIRE(mended->size() == 1);
  CHECK(mended->front().action == Action::rewritten);
  CHECK(read_file(file) == good);
  CHECK(all.damage().empty());
  CHECK(all.mend()->empty());
}

TEST_CASE("a config that is lost comes back from the key slots", "[repair]") {
  AllKinds all;
  const std::string file = all.fixture.object_file("config");
  const core::Bytes good = read_file(file);
  const std::string how = GENERATE("gone", "empty", "garbage", "huge", "another");
  CAPTURE(how);
  if (how == "gone") {
    fs::remove(file);
  } else if (how == "another") {
    RepoFixture other;
    CHECK(other.random.bytes(1).size() == 1);  // so that its id is another one
    REQUIRE(outcome(other.init()) == "ok");
    write_file(file, read_file(other.object_file("config")));
  } else {
    write_file(file, all.fixture.random.bytes(how == "empty"  ? 0
                                              : how == "huge" ? 1'000'000
                                                              : good.size()));
  }
  CHECK(says(all.advice(), "cairn repair objects"));
  REQUIRE(outcome(all.mend()) == "ok");
  CHECK(read_file(file) == good);
  CHECK(all.damage().empty());
}

TEST_CASE("records that cannot be read and count for nothing are removed", "[repair]") {
  const std::string folder = GENERATE("marks", "settings", "sessions", "forgotten");
  CAPTURE(folder);
  AllKinds all;
  if (folder == "sessions") {
    write_file(all.fixture.at("repo/sessions/" + std::string(64, 'a')),
               core::Bytes(300, std::byte{0}));
  } else {
    write_file(all.file_of(folder), core::Bytes(300, std::byte{0}));
  }
  CHECK_FALSE(all.damage().empty());
  CHECK(says(all.advice(), "cairn repair objects"));
  const auto mended = all.mend();
  REQUIRE(outcome(mended) == "ok");
  REQUIRE(mended->size() == 1);
  CHECK(mended->front().action == Action::removed);
  CHECK(all.damage().empty());
  // A tombstone that nobody can vouch for must not be written anew: the snapshot stands again.
  CHECK(all.standing() == (folder == "forgotten" ? "012" : "12"));
}

TEST_CASE("copies under wrong names are removed", "[repair]") {
  const std::string folder = GENERATE("snapshots", "keys");
  AllKinds all;
  fs::copy_file(all.file_of(folder), all.fixture.at("repo/" + folder + "/" + std::string(64, 'a')));
  CHECK_FALSE(all.damage().empty());
  const auto mended = all.mend();
  REQUIRE(outcome(mended) == "ok");
  REQUIRE(mended->size() == 1);
  CHECK(mended->front().action == Action::removed);
  CHECK(all.damage().empty());
}

TEST_CASE("a key slot under a wrong name gets its own back", "[repair]") {
  AllKinds all;
  const auto keys = all.fixture.objects("keys");
  const std::string in_use = "keys/" + repo::ops::opened(*all.repository).slot.hex();
  const std::string other = keys.front() == in_use ? keys.back() : keys.front();
  fs::rename(all.fixture.object_file(other), all.fixture.at("repo/keys/" + std::string(64, 'a')));
  REQUIRE(outcome(all.mend()) == "ok");
  CHECK(all.fixture.objects("keys") == keys);
  CHECK(all.damage().empty());
}

TEST_CASE("a snapshot of which both copies are damaged ends as verify says", "[repair]") {
  AllKinds all;
  const std::string file = all.fixture.object_file("snapshots/" + all.name(1));
  write_file(file, core::Bytes(read_file(file).size(), std::byte{0}));
  CHECK(says(all.advice(), "cairn forget " + all.name(1)));
  const auto mended = all.mend();
  REQUIRE(outcome(mended) == "ok");
  REQUIRE(mended->size() == 1);
  CHECK(mended->front().action == Action::left);
  REQUIRE(outcome(repo::forget(*all.repository, {.snapshots = {all.name(1)}},
                               all.fixture.observer)) == "ok");
  CHECK(all.damage().empty());
  CHECK(all.mend()->empty());
}

TEST_CASE("a snapshot that is gone ends as verify says", "[repair]") {
  SeveralSnapshots several(3);
  const std::size_t which = GENERATE(1U, 2U);  // another one was made after it; only we know it
  CAPTURE(which);
  fs::remove(several.fixture.object_file("snapshots/" + several.name(which)));
  const auto report = several.fixture.verify(*several.repository);
  REQUIRE(outcome(report) == "ok");
  CHECK(report->damaged());
  REQUIRE(report->findings.size() == 1);
  CHECK(says(report->findings.front().advice, "cairn forget " + several.name(which)));
  const repo::ForgetOptions by_name{.snapshots = {several.name(which)}};
  REQUIRE(outcome(repo::forget(*several.repository, by_name, several.fixture.observer)) == "ok");
  CHECK(several.damage().empty());
  // But what nobody misses was mistyped.
  CHECK(outcome(repo::forget(*several.repository, {.snapshots = {std::string(64, 'a')}},
                             several.fixture.observer)) == "not_found");
}

TEST_CASE("what the storage does not give is not touched, and nobody is told to give it up",
          "[repair]") {
  AllKinds all;
  repo::ops::OpenRepository& parts = repo::ops::opened(*all.repository);
  const auto real = std::move(parts.backend);
  auto faulty = std::make_unique<FaultBackend>(*real);
  const auto id = all.ids[2];
  faulty->inflict(repo::store::object_name(repo::format::ObjectKind::snapshot, id),
                  damage::Unreadable{.offset = 10});
  parts.backend = std::move(faulty);
  parts.blocks = std::make_unique<repo::store::BlockReader>(*parts.backend, *parts.keys);
  parts.local->chunks.reset();
  parts.local->catalogue.reset();

  const auto mended = repo::repair_objects(*all.repository, {}, all.fixture.observer);
  REQUIRE(outcome(mended) == "ok");
  REQUIRE(mended->size() == 1);
  CHECK(mended->front().action == Action::left);
  CHECK_FALSE(says(mended->front().message, "forget"));

  const auto report = all.fixture.verify(*all.repository);
  REQUIRE(outcome(report) == "ok");
  CHECK_FALSE(report->damaged());
  CHECK(report->unreadable());
  REQUIRE(report->findings.size() == 1);
  CHECK_FALSE(says(report->findings.front().advice, "forget"));
  CHECK_FALSE(says(report->findings.front().advice, "repair"));

  const auto pruned = repo::prune(*all.repository, {}, all.fixture.observer);
  REQUIRE(outcome(pruned) == "io");
  CHECK_FALSE(says(pruned.error().hint(), "forget"));
}

TEST_CASE("at no call that fails does mending lose anything", "[repair]") {
  const auto real = core::make_posix_file_system();
  const auto met = for_each_fault([&](const Fault& fault) {
    FaultFileSystem files(*real);
    SeveralSnapshots several(1, &files);
    std::map<std::string, core::Bytes> good;
    for (const std::string& object : several.fixture.objects("")) {
      if (object == "config" || object.starts_with("keys/") || object.starts_with("snapshots/")) {
        good.emplace(object, read_file(several.fixture.object_file(object)));
        flip_byte(several.fixture.object_file(object), 20);
      }
    }
    CHECK(good.size() == 3);
    files.arm(fault);
    const auto mended = repo::repair_objects(*several.repository, {}, several.fixture.observer);
    files.disarm();
    CHECK((mended.has_value() || files.fault_hit()));
    auto fresh = several.fixture.open("correct horse", several.fixture.at("fresh"));
    REQUIRE(outcome(fresh) == "ok");
    const auto listed = repo::list_snapshots(*fresh, several.fixture.observer);
    REQUIRE(outcome(listed) == "ok");
    CHECK(listed->size() == 1);
    CHECK(outcome(repo::repair_objects(*fresh, {}, several.fixture.observer)) == "ok");
    for (const auto& [object, bytes] : good) {
      CHECK(read_file(several.fixture.object_file(object)) == bytes);
    }
    return files.fault_hit();
  });
  CHECK(met > 20);
}
