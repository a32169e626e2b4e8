#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cairn/core/crypto.h"
#include "child_process.h"
#include "collecting.h"
#include "ops/repository/local_catalogue.h"
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

TEST_CASE("what a killed run without a cache left is removed by the next run in its place",
          "[cache]") {
  namespace fs = std::filesystem;
  CacheWorld world;
  const auto process = [](std::string_view place, std::uint64_t start) {
    return core::ProcessIdentity{
        .place = core::hash256(core::as_view(place)), .number = 7, .start = start};
  };
  const std::string tmp = world.fixture.at("tmp");
  const auto left_by = [&](const core::ProcessIdentity& maker) {
    std::string path;
    {
      const auto folder = repo::ops::TemporaryFolder::make({tmp}, maker);
      REQUIRE(outcome(folder) == "ok");
      path = (*folder)->path();
    }
    REQUIRE(make_tree(path, {tree::file("catalogue/data.mdb", 1000, 1)}).empty());
    return path;
  };
  const std::string killed = left_by(process("here", 100));
  const std::string living = left_by(process("here", 200));
  const std::string elsewhere = left_by(process("another container", 100));
  const std::string unknown = left_by({});
  // What only has such a name: a link, somebody else's folder, something of the user's.
  const std::string link = killed + "x";
  fs::create_directory(world.fixture.at("mine"));
  write_file(world.fixture.at("mine/file"), {});
  fs::create_symlink(world.fixture.at("mine"), link);
  const std::string foreign = killed + "y";
  fs::create_directory(foreign);
  const bool is_root = ::geteuid() == 0;
  REQUIRE((!is_root || ::lchown(foreign.c_str(), kNobody, kNobody) == 0));
  fs::create_directory(tmp + "/cairn-catalogue-backup");

  const std::string cache = GENERATE(std::string(), std::string("cache"));
  repo::Environment environment = world.fixture.environment();
  environment.cache_folder = cache.empty() ? "" : world.fixture.at(cache);
  environment.temporary_folders = {world.fixture.at("no such folder"), tmp, tmp};
  environment.process = process("here", 300);
  environment.process_is_gone = [&](const core::ProcessIdentity& other) {
    return other == process("here", 100);
  };
  {
    auto repository = repo::Repository::open(
        environment,
        {.location = world.fixture.at("repo"), .credentials = RepoFixture::passphrase()},
        world.fixture.observer);
    REQUIRE(outcome(repository) == "ok");
    world.use(*repository);
  }
  CHECK_FALSE(fs::exists(killed));
  CHECK(fs::exists(living + "/catalogue/data.mdb"));
  CHECK(fs::exists(elsewhere + "/catalogue/data.mdb"));
  CHECK(fs::exists(unknown + "/catalogue/data.mdb"));
  CHECK(fs::is_symlink(link));
  CHECK(fs::exists(world.fixture.at("mine/file")));
  CHECK(fs::exists(foreign) == is_root);
  CHECK(fs::exists(tmp + "/cairn-catalogue-backup"));
  CHECK(std::distance(fs::directory_iterator(tmp), fs::directory_iterator()) == (is_root ? 6 : 5));
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
    return repo::ops::opened(*repository).local->temporary ? "made anew" : "read as it is";
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
