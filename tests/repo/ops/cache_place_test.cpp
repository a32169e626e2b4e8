#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "child_process.h"
#include "collecting.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

// Where the catalogue lies if it cannot lie in the cache.

using namespace cairn;
using namespace cairn::test;

namespace {

struct CacheWorld {
  RepoFixture fixture;

  CacheWorld() {
    REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 100'000, 1)}).empty());
    auto repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
    std::filesystem::create_directory(fixture.at("tmp"));
  }
  core::Result<repo::Repository> open(const std::string& cache) {
    repo::Environment environment = fixture.environment();
    environment.cache_folder = cache;
    environment.temporary_folders = {fixture.at("no such folder"), fixture.at("tmp")};
    return repo::Repository::open(
        environment, {.location = fixture.at("repo"), .credentials = RepoFixture::passphrase()},
        fixture.observer);
  }
  /// Looks at a snapshot, and makes one.
  void use(repo::Repository& repository) {
    const auto latest = repo::find_snapshot(repository, "latest", fixture.observer);
    REQUIRE(outcome(latest) == "ok");
    REQUIRE(outcome(fixture.restore(repository, latest->snapshot, fixture.at("source"),
                                    fixture.at("restored"))) == "ok");
    CHECK(compare_trees(fixture.at("source"), fixture.at("restored")) ==
          std::vector<std::string>());
    REQUIRE(outcome(fixture.backup(repository, {fixture.at("source")})) == "ok");
  }
};

}  // namespace

TEST_CASE("a cache folder that cannot be made costs time and a warning", "[cache]") {
  CacheWorld world;
  write_file(world.fixture.at("file"), {});
  {
    auto repository = world.open(world.fixture.at("file") + "/cache");
    REQUIRE(outcome(repository) == "ok");
    world.use(*repository);
    CHECK_FALSE(std::filesystem::is_empty(world.fixture.at("tmp")));
  }
  REQUIRE(world.fixture.observer.warnings.size() == 1);
  CHECK(world.fixture.observer.warnings[0].find("a catalogue of its own in " +
                                                world.fixture.at("tmp")) != std::string::npos);
  CHECK(std::filesystem::is_empty(world.fixture.at("tmp")));
}

TEST_CASE("without a cache folder each run makes its catalogue, and leaves nothing", "[cache]") {
  CacheWorld world;
  std::filesystem::remove_all(world.fixture.at("cache"));
  {
    auto repository = world.open("");
    REQUIRE(outcome(repository) == "ok");
    world.use(*repository);
  }
  CHECK(world.fixture.observer.warnings.empty());
  CHECK(std::filesystem::is_empty(world.fixture.at("tmp")));
  CHECK_FALSE(std::filesystem::exists(world.fixture.at("cache")));
}

TEST_CASE("a cache that cannot be written is read, if it has all that is needed", "[cache]") {
  CacheWorld world;
  const std::string cache = world.fixture.at("cache");
  const bool has_all = GENERATE(true, false);
  if (!has_all) {
    REQUIRE(make_tree(world.fixture.at("source"), {tree::file("b", 100'000, 2)}).empty());
    auto other = world.fixture.open("correct horse", world.fixture.at("other"));
    REQUIRE(outcome(other) == "ok");
    REQUIRE(outcome(world.fixture.backup(*other, {world.fixture.at("source")})) == "ok");
  }
  // All becomes that of an ordinary user, who then may not write to the cache.
  const std::filesystem::path top = std::filesystem::path(cache).parent_path();
  REQUIRE(::chmod(top.c_str(), 0755) == 0);
  REQUIRE((::geteuid() != 0 || ::lchown(top.c_str(), kNobody, kNobody) == 0));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
    REQUIRE((::geteuid() != 0 || ::lchown(entry.path().c_str(), kNobody, kNobody) == 0));
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cache)) {
    REQUIRE(::chmod(entry.path().c_str(), entry.is_directory() ? 0500 : 0400) == 0);
  }
  REQUIRE(::chmod(cache.c_str(), 0500) == 0);
  const std::string answer = run_as_ordinary_user([&]() -> std::string {
    auto repository = world.open(cache);
    if (!repository) {
      return message_of(repository);
    }
    const auto latest = repo::find_snapshot(*repository, "latest", world.fixture.observer);
    if (!latest) {
      return message_of(latest);
    }
    const auto restored = world.fixture.restore(
        *repository, latest->snapshot, world.fixture.at("source"), world.fixture.at("restored"));
    if (!restored || restored->problem_count > 0) {
      return restored ? "problems" : message_of(restored);
    }
    return repository->state().temporary_catalogue ? "made anew" : "read as it is";
  });
  REQUIRE(::chmod(cache.c_str(), 0700) == 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cache)) {
    ::chmod(entry.path().c_str(), 0700);
  }
  CHECK(answer == (has_all ? "read as it is" : "made anew"));
}

TEST_CASE("the cache is its owner's, and says that it is one", "[cache]") {
  CacheWorld world;
  CHECK(std::filesystem::exists(world.fixture.at("cache/CACHEDIR.TAG")));
  const core::Bytes tag = read_file(world.fixture.at("cache/CACHEDIR.TAG"));
  CHECK(core::to_string(tag).starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
  std::string folder;
  for (const auto& entry : std::filesystem::directory_iterator(world.fixture.at("cache"))) {
    folder = entry.is_directory() ? entry.path().string() : folder;
  }
  REQUIRE(::chmod(folder.c_str(), 0777) == 0);
  auto repository = world.open(world.fixture.at("cache"));
  REQUIRE(outcome(repository) == "ok");
  world.use(*repository);
  REQUIRE(world.fixture.observer.warnings.size() == 1);
  CHECK(world.fixture.observer.warnings[0].find("others could write") != std::string::npos);
  struct ::stat info {};
  REQUIRE(::stat(folder.c_str(), &info) == 0);
  CHECK((info.st_mode & ::mode_t{0777}) == 0700);
}
