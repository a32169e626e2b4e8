#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "collecting.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

// Who may use the files of a repository besides its owner.

using namespace cairn;
using namespace cairn::test;

namespace {

class Umask {
 public:
  explicit Umask(::mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  ::mode_t before_;
};

::mode_t permissions_of(const std::string& path) {
  struct ::stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & ::mode_t{07777};
}

/// The paths below the repository whose modes are others than these.
std::vector<std::string> deviating(const std::string& root, ::mode_t file, ::mode_t folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const ::mode_t wanted = entry.is_directory() ? folder : file;
    if (permissions_of(entry.path()) != wanted) {
      found.push_back(entry.path());
    }
  }
  return found;
}

void make_and_fill(RepoFixture& fixture) {
  REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 100'000, 1)}).empty());
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
}

}  // namespace

TEST_CASE("a repository is its owner's alone, whatever the umask", "[shared]") {
  RepoFixture fixture;
  const Umask umask(GENERATE(::mode_t{0}, ::mode_t{002}, ::mode_t{022}));
  make_and_fill(fixture);
  CHECK(permissions_of(fixture.at("repo")) == 0700);
  CHECK(deviating(fixture.at("repo"), 0600, 0700) == std::vector<std::string>());
}

TEST_CASE("a folder that hands its group on makes a shared repository, if the umask lets it",
          "[shared]") {
  RepoFixture fixture;
  const bool exists = GENERATE(false, true);
  // Either the repository's folder is there already, or it is made in such a folder.
  const std::filesystem::path parent = std::filesystem::path(fixture.at("repo")).parent_path();
  if (exists) {
    std::filesystem::create_directory(fixture.at("repo"));
  }
  const std::string shared = exists ? fixture.at("repo") : parent.string();
  REQUIRE(::chmod(shared.c_str(), 02770) == 0);

  SECTION("umask 002") {
    const Umask umask(002);
    make_and_fill(fixture);
    CHECK(permissions_of(fixture.at("repo")) == 02770);
    CHECK(deviating(fixture.at("repo"), 0660, 02770) == std::vector<std::string>());
  }
  SECTION("umask 022") {
    const Umask umask(022);
    make_and_fill(fixture);
    CHECK(deviating(fixture.at("repo"), 0600, 02700) == std::vector<std::string>());
  }
  SECTION("what is written later follows the repository, not the umask of who writes") {
    {
      const Umask umask(002);
      make_and_fill(fixture);
    }
    const Umask umask(077);
    REQUIRE(make_tree(fixture.at("source"), {tree::file("b", 100'000, 2)}).empty());
    auto repository = fixture.open();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
    CHECK(deviating(fixture.at("repo"), 0660, 02770) == std::vector<std::string>());
  }
}

TEST_CASE("a repository that was shared later stays so", "[shared]") {
  RepoFixture fixture;
  make_and_fill(fixture);
  const ::mode_t for_group = GENERATE(::mode_t{0070}, ::mode_t{0050});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(fixture.at("repo"))) {
    const ::mode_t mode = entry.is_directory() ? 02700 | for_group : 0600 | (for_group & 0060);
    REQUIRE(::chmod(entry.path().c_str(), mode) == 0);
  }
  REQUIRE(::chmod(fixture.at("repo").c_str(), 02700 | for_group) == 0);
  REQUIRE(make_tree(fixture.at("source"), {tree::file("b", 100'000, 2)}).empty());
  auto repository = fixture.open();
  REQUIRE(outcome(repository) == "ok");
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  CHECK(deviating(fixture.at("repo"), 0600 | (for_group & 0060), 02700 | for_group) ==
        std::vector<std::string>());
}
