#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cairn/core/file_system.h"
#include "cairn/repo/keys.h"
#include "catch2.h"
#include "child_process.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

// Objects that are whole, but that this user may not read: nothing is known of them, so nothing is
// said of damage.

using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

/// A repository of an ordinary user's, with two keys, of which some objects are closed even to it.
struct ClosedObjects {
  RepoFixture fixture;

  ClosedObjects() {
    REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 300'000, 1)}).empty());
    auto repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(outcome(repo::add_key(*repository, {.role = repo::Role::admin,
                                                .name = "second",
                                                .credentials = RepoFixture::passphrase("second"),
                                                .kdf = RepoFixture::cheap_kdf()})) == "ok");
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
    REQUIRE(::chmod(fixture.at(".").c_str(), 0755) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(fixture.at("."))) {
      REQUIRE((::geteuid() != 0 || ::lchown(entry.path().c_str(), kNobody, kNobody) == 0));
    }
    fs::create_directory(fixture.at("caches"));
    fs::permissions(fixture.at("caches"), fs::perms::all);
  }

  void close(const std::string& object) const {
    REQUIRE(::chmod(fixture.object_file(object).c_str(), 0) == 0);
  }
  /// The key slot that this passphrase opens.
  std::string slot_of(std::string_view text) {
    auto repository = fixture.open(text, fixture.at("cache of root"));
    REQUIRE(outcome(repository) == "ok");
    const auto keys = repo::list_keys(*repository);
    REQUIRE(outcome(keys) == "ok");
    const auto own = std::ranges::find_if(*keys, &repo::ListedKey::is_current);
    REQUIRE(own != keys->end());
    return "keys/" + own->id.hex();
  }

  /// As a process of its own: files that others have open stay readable to them.
  core::Result<repo::Repository> open_anew(core::FileSystem& files, std::string_view text) {
    const repo::Environment plain = fixture.environment(fixture.at("caches/own"));
    return repo::Repository::open(
        {.file_system = files,
         .clock = plain.clock,
         .random = plain.random,
         .host = plain.host,
         .user = plain.user,
         .process = plain.process,
         .cache_folder = plain.cache_folder},
        {.location = fixture.at("repo"), .credentials = RepoFixture::passphrase(text)},
        fixture.observer);
  }
  /// One line for each finding, or why there was none, as the ordinary user sees it.
  std::string verified(bool check_integrity) {
    return run_as_ordinary_user([&]() -> std::string {
      const auto files = core::make_posix_file_system();
      auto repository = open_anew(*files, "second");
      if (!repository) {
        return outcome(repository);
      }
      const auto report = fixture.verify(*repository, check_integrity);
      if (!report) {
        return outcome(report);
      }
      std::string lines;
      for (const repo::Finding& finding : report->findings) {
        lines += fmt::format("{} {}{}{}\n", repo::to_string(finding.severity), finding.object,
                             finding.missing ? " missing" : "",
                             finding.affected_count > 0 ? " touches paths" : "");
      }
      return lines + (report->damaged()      ? "damaged"
                      : report->unreadable() ? "unreadable"
                                             : "whole");
    });
  }
  /// What opening says to the ordinary user: "ok", or code and message.
  std::string opened(std::string_view text) {
    return run_as_ordinary_user([&]() -> std::string {
      const auto files = core::make_posix_file_system();
      const auto repository = open_anew(*files, text);
      if (repository) {
        return "ok";
      }
      return fmt::format("{}: {} [{}]", outcome(repository), repository.error().message(),
                         repository.error().hint());
    });
  }
};

bool tells_of(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a pack that may not be read is unreadable to verify, and nothing worse",
          "[unreadable]") {
  ClosedObjects world;
  REQUIRE(world.verified(true) == "whole");
  const auto packs = world.fixture.objects("packs");
  REQUIRE(packs.size() == 2);  // one of data, one of metadata
  for (const std::string& pack : packs) {
    CAPTURE(pack);
    world.close(pack);
    const std::string told = world.verified(true);
    CAPTURE(told);
    CHECK(tells_of(told, "unreadable " + pack));
    CHECK(tells_of(told, "touches paths"));
    CHECK_FALSE(tells_of(told, "damage"));
    CHECK_FALSE(tells_of(told, "missing"));
    CHECK(told.ends_with("\nunreadable"));
    // Without the contents only what the tree needs is read.
    const std::string structure = world.verified(false);
    CAPTURE(structure);
    CHECK_FALSE(tells_of(structure, "damage"));
    CHECK_FALSE(tells_of(structure, "missing"));
    REQUIRE(::chmod(world.fixture.object_file(pack).c_str(), 0600) == 0);
  }
  CHECK(world.verified(true) == "whole");
}

TEST_CASE("small objects that may not be read are unreadable to verify, and nothing worse",
          "[unreadable]") {
  ClosedObjects world;
  const std::string kind = GENERATE("keys", "index", "snapshots");
  const std::string object =
      kind == "keys" ? world.slot_of("correct horse") : world.fixture.objects(kind).front();
  CAPTURE(object);
  REQUIRE(world.verified(false) == "whole");
  world.close(object);
  const std::string told = world.verified(false);
  CAPTURE(told);
  CHECK(tells_of(told, "unreadable " + object));
  CHECK_FALSE(tells_of(told, "damage"));
  CHECK_FALSE(tells_of(told, "missing"));
  CHECK(told.ends_with("unreadable"));
}

TEST_CASE("a key slot that may not be read keeps the others from nothing", "[unreadable]") {
  ClosedObjects world;
  const std::string first = world.slot_of("correct horse");
  const std::string second = world.slot_of("second");
  REQUIRE(world.opened("correct horse") == "ok");

  world.close(first);
  CHECK(world.opened("second") == "ok");
  // It may be the one that is meant: nobody says that the passphrase is wrong.
  const std::string told = world.opened("correct horse");
  CAPTURE(told);
  CHECK(tells_of(told, "permission_denied: "));
  CHECK(tells_of(told, first));
  CHECK(tells_of(world.opened("a wrong one"), "permission_denied: "));

  SECTION("none can be read") {
    world.close(second);
    const std::string neither = world.opened("second");
    CAPTURE(neither);
    CHECK(tells_of(neither, "permission_denied: "));
    CHECK(tells_of(neither, "keys/"));
    CHECK_FALSE(neither.ends_with("[]"));
  }
  SECTION("the other one is damaged") {
    // Whichever comes last: what cannot be read may be whole, so the credentials may be right.
    write_file(world.fixture.object_file(second), core::as_view("no key slot"));
    const std::string damaged = world.opened("correct horse");
    CAPTURE(damaged);
    CHECK(tells_of(damaged, "permission_denied: "));
    CHECK(tells_of(damaged, first));
  }
}

TEST_CASE("whichever slot is damaged, one that may not be read is what opening tells",
          "[unreadable]") {
  // The same with the two exchanged: slots are tried in the order of their ids.
  ClosedObjects world;
  const std::string first = world.slot_of("correct horse");
  const std::string second = world.slot_of("second");
  world.close(second);
  write_file(world.fixture.object_file(first), core::as_view("no key slot"));
  const std::string told = world.opened("second");
  CAPTURE(told);
  CHECK(tells_of(told, "permission_denied: "));
  CHECK(tells_of(told, second));
}
