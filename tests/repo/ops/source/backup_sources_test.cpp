#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "catch2.h"
#include "loop_disk.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

/// What a backup takes of the paths that were named.
using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

struct Named {
  explicit Named(const std::vector<TreeObject>& objects) {
    fs::create_directories(source);
    REQUIRE(make_tree(source, objects).empty());
    auto made = fixture.init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
  }

  core::Result<repo::BackupReport> backup(const std::vector<std::string>& paths,
                                          const repo::Choice& choice = {}) {
    fixture.observer.problems.clear();
    fixture.observer.warnings.clear();
    repo::BackupOptions options = fixture.options(paths);
    options.choice = choice;
    return fixture.backup(*repository, options);
  }
  /// All that a backup of these paths holds, relative to the source.
  Lines held(const std::vector<std::string>& paths, const repo::Choice& choice = {}) {
    const auto report = backup(paths, choice);
    REQUIRE(outcome(report) == "ok");
    Lines lines;
    for (const repo::Source& one : report->snapshot.sources) {
      REQUIRE(outcome(repo::list_entries(*repository, report->snapshot,
                                         {.path = one.path, .recursive = true}, fixture.observer,
                                         [&](const repo::ListedEntry& entry) -> core::Status {
                                           lines.push_back(entry.path.substr(source.size() + 1));
                                           return {};
                                         })) == "ok");
    }
    return lines;
  }
  [[nodiscard]] std::string at(std::string_view name) const {
    return fmt::format("{}/{}", source, name);
  }

  RepoFixture fixture;
  std::string source = fixture.at("source");
  std::optional<repo::Repository> repository;
};

}  // namespace

TEST_CASE("a source that is missing is a problem, and the others are backed up") {
  Named named({tree::text_file("a/f", "f")});
  const auto report = named.backup({named.at("a"), named.at("none"), named.at("a/f/below")});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshot.sources.size() == 1);
  // Also if it would be part of another source.
  REQUIRE(named.fixture.observer.problems.size() == 2);
  CHECK(named.fixture.observer.problems[0].kind == repo::ProblemKind::unreadable);
  CHECK(named.fixture.observer.problems[0].path == named.at("a/f/below"));
  CHECK(named.fixture.observer.problems[1].path == named.at("none"));
  CHECK(report->snapshot.problem_count == 2);
}

TEST_CASE("if all sources are missing nothing is made") {
  Named named({});
  CHECK(outcome(named.backup({named.at("none"), named.at("neither")})) == "not_found");
  CHECK(named.fixture.objects("snapshots").empty());
}

TEST_CASE("what was named is taken, whatever leaves out the folder above it in another source") {
  Named named({tree::text_file("home/f", "f"), tree::text_file("home/.cache/mail/box", "mail"),
               tree::text_file("home/.cache/mailer", "no"), tree::file("home/.cache/big", 1000),
               tree::text_file("home/.cache/.nobackup", "")});
  const std::vector<std::string> paths = {named.at("home"), named.at("home/.cache/mail"),
                                          named.at("home/.cache/big")};
  repo::Choice choice;
  Lines expected = {".cache", ".cache/big", ".cache/mail", ".cache/mail/box", "f"};
  SECTION("a pattern") { REQUIRE(outcome(choice.filter.add_exclude(".cache")) == "ok"); }
  SECTION("a pattern that needs to know the type") {
    REQUIRE(outcome(choice.filter.add_exclude(".cache/")) == "ok");
  }
  SECTION("a tag") {
    choice.exclude_if_present = {".nobackup"};
    expected.insert(expected.begin() + 1, ".cache/.nobackup");
  }
  SECTION("its size, with a pattern") {
    choice.exclude_larger_than_bytes = 100;
    REQUIRE(outcome(choice.filter.add_exclude(".cache")) == "ok");
  }
  for (std::string& line : expected) {
    line.insert(0, "home/");
  }
  CHECK(named.held(paths, choice) == expected);
}

TEST_CASE("what was named twice, or lies in another source, is stored once") {
  Named named(
      {tree::text_file("a/f", "f"), tree::text_file("a.x", "x"), tree::text_file("a/g/h", "h")});
  const auto report =
      named.backup({named.at("a.x"), named.at("a/g"), named.at("a"), named.at("a/")});
  REQUIRE(outcome(report) == "ok");
  REQUIRE(report->snapshot.sources.size() == 2);
  CHECK(report->snapshot.sources[0].path == named.at("a"));
  CHECK(report->snapshot.sources[1].path == named.at("a.x"));
}

TEST_CASE("the repository and its cache are left out of their own backup") {
  Named named({tree::text_file("f", "f")});
  const std::string above = named.fixture.at("");
  const auto report = named.backup({above});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->left_out_folders.size() == 2);
  CHECK(named.fixture.observer.warnings.size() == 2);
  REQUIRE(outcome(named.backup({above})) == "ok");  // said once
  CHECK(named.fixture.observer.warnings.empty());
  CHECK(outcome(repo::list_entries(
            *named.repository, report->snapshot,
            {.path = named.fixture.at("repo"), .recursive = true}, named.fixture.observer,
            [](const repo::ListedEntry&) { return core::Status(); })) == "not_found");
  CHECK(outcome(named.backup({named.fixture.at("repo")})) == "io");
}

TEST_CASE("a source that held something and holds nothing now is a problem, once") {
  Named named({tree::text_file("disk/a", "a"), tree::text_file("disk/b/c", "c")});
  REQUIRE(outcome(named.backup({named.at("disk")})) == "ok");
  CHECK(named.fixture.observer.problems.empty());
  fs::rename(named.at("disk"), named.at("mounted elsewhere"));
  fs::create_directory(named.at("disk"));
  REQUIRE(outcome(named.backup({named.at("disk")})) == "ok");
  REQUIRE(named.fixture.observer.problems.size() == 1);
  CHECK(named.fixture.observer.problems.front().reason.find("3 objects") != std::string::npos);
  REQUIRE(outcome(named.backup({named.at("disk")})) == "ok");
  CHECK(named.fixture.observer.problems.empty());
  CHECK(named.fixture.observer.warnings.empty());
}

TEST_CASE("a source that is empty from the start, and one that is a link, are warned of") {
  Named named({tree::folder("empty"), tree::symlink("link", "empty")});
  REQUIRE(outcome(named.backup({named.at("empty"), named.at("link")})) == "ok");
  REQUIRE(named.fixture.observer.warnings.size() == 2);
  CHECK(named.fixture.observer.warnings[0].find("only the link is stored") != std::string::npos);
  CHECK(named.fixture.observer.warnings[1].find("holds nothing") != std::string::npos);
}

TEST_CASE("folders that are as they were count as unmodified, however short a while ago") {
  Named named({tree::text_file("a/b/f", "f")});
  // By the clock of these tests nothing is old enough for a stamp.
  REQUIRE(outcome(named.backup({named.source})) == "ok");
  const auto second = named.backup({named.source});
  REQUIRE(outcome(second) == "ok");
  CHECK(second->changes.folders_changed == 0);
  CHECK(second->changes.folders_unmodified == 3);
  CHECK(second->changes.files_unmodified == 1);
}

TEST_CASE("on one file system, a mount point that was named itself is another one's beginning") {
  Named named({tree::text_file("f", "f"), tree::folder("named"), tree::folder("other")});
  const MemoryDisk disk(named.at("named"));
  const MemoryDisk other(named.at("other"));
  if (!disk.is_mounted() || !other.is_mounted()) {
    WARN("skipped: needs root and tmpfs");
    return;
  }
  REQUIRE(
      make_tree(named.at("named"), {tree::text_file("a/b", "b"), tree::folder("inner")}).empty());
  REQUIRE(make_tree(named.at("other"),
                    {tree::text_file("left out", "x"), tree::text_file("deep/named/c", "c"),
                     tree::text_file("deep/left out", "x")})
              .empty());
  const MemoryDisk inner(named.at("named/inner"));
  REQUIRE(inner.is_mounted());
  REQUIRE(make_tree(named.at("named/inner"), {tree::text_file("left out", "x")}).empty());
  const repo::Choice choice{.one_file_system = true};
  // Nothing but what was named makes a difference.
  CHECK(named.held({named.source}, choice) == Lines{"f", "named", "other"});
  CHECK(named.held({named.source, named.at("named")}, choice) ==
        Lines{"f", "named", "named/a", "named/a/b", "named/inner", "other"});
  CHECK(named.held({named.source, named.at("named"), named.at("other/deep/named")}, choice) ==
        Lines{"f", "named", "named/a", "named/a/b", "named/inner", "other", "other/deep",
              "other/deep/named", "other/deep/named/c"});
  // The named one by itself, and one below it.
  CHECK(named.held({named.at("named"), named.at("named/inner")}, choice) ==
        Lines{"named/a", "named/a/b", "named/inner", "named/inner/left out"});
  CHECK(named.fixture.observer.problems.empty());
}
