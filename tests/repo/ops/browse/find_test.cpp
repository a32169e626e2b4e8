#include "cairn/repo/find.h"

#include <algorithm>
#include <filesystem>

#include "cairn/repo/keys.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

struct Searched {
  RepoFixture fixture;
  std::string source = fixture.at("source");
  core::Result<repo::Repository> repository = fixture.init();
  core::Result<repo::FindReport> report = repo::FindReport();

  /// In place of what stands there.
  void make(const std::vector<TreeObject>& objects) {
    for (const TreeObject& object : objects) {
      if (object.type != repo::EntryType::folder) {
        fs::remove(source + '/' + object.path);
      }
    }
    REQUIRE(make_tree(source, objects) == Lines());
  }
  void backup(std::vector<std::string> tags = {}) {
    fixture.clock.advance(std::chrono::hours(1));
    repo::BackupOptions options;
    options.paths = {source};
    options.tags = std::move(tags);
    REQUIRE(outcome(repo::backup(*repository, options, fixture.observer)) == "ok");
  }
  std::vector<repo::ListedSnapshot> snapshots(const repo::SnapshotFilter& filter = {}) {
    auto selected = repo::select_snapshots(*repository, filter, fixture.observer);
    REQUIRE(outcome(selected) == "ok");
    return selected->snapshots;
  }
  /// "<number of the snapshot> <path below the source>"
  Lines find(const repo::FindOptions& options, const std::vector<repo::ListedSnapshot>& among) {
    Lines lines;
    report = repo::find(*repository, among, options, fixture.observer,
                        [&](const repo::ListedSnapshot& listed, const repo::ListedEntry& entry) {
                          const auto at =
                              std::ranges::find(among, listed.id, &repo::ListedSnapshot::id);
                          lines.push_back(std::to_string(at - among.begin()) + ' ' +
                                          fs::path(entry.path).lexically_relative(source).string());
                          return core::Status();
                        });
    return lines;
  }
  Lines find(const repo::FindOptions& options) {
    Lines lines = find(options, snapshots());
    REQUIRE(outcome(report) == "ok");
    return lines;
  }
};

repo::FindOptions named(std::string pattern) { return {.patterns = {std::move(pattern)}}; }

}  // namespace

TEST_CASE("find by name, by path, and without regard to case") {
  Searched searched;
  searched.make({tree::text_file("a.txt", "x"), tree::text_file("docs/b.txt", "x"),
                 tree::text_file("docs/deep/c.TXT", "x"), tree::folder("txt")});
  searched.backup();
  const std::string& source = searched.source;
  CHECK(searched.find(named("*.txt")) == Lines{"0 a.txt", "0 docs/b.txt"});
  CHECK(searched.find({.patterns = {"*.txt"}, .ignore_case = true}) ==
        Lines{"0 a.txt", "0 docs/b.txt", "0 docs/deep/c.TXT"});
  CHECK(searched.find(named("docs/*.txt")) == Lines{"0 docs/b.txt"});
  CHECK(searched.find(named(source + "/*")) == Lines{"0 a.txt", "0 docs", "0 txt"});
  CHECK(searched.find(named("/docs/*")) == Lines());
  CHECK(searched.find(named("docs/**")) ==
        Lines{"0 docs/b.txt", "0 docs/deep", "0 docs/deep/c.TXT"});
  CHECK(searched.find(named("txt/")) == Lines{"0 txt"});
  CHECK(searched.find({.patterns = {"a.txt", "b.txt"}}).size() == 2);
  CHECK(searched.find(named("source")) == Lines{"0 ."});
  CHECK(searched.find(named("nothing")) == Lines());
  CHECK(searched.report->snapshots == 1);
}

TEST_CASE("find by time, size and type") {
  Searched searched;
  searched.make({tree::file("old", 10).with_mtime({1'000, 0}),
                 tree::file("new", 1'000).with_mtime({2'000, 0}),
                 tree::symlink("link", "old").with_mtime({1'500, 0}),
                 tree::folder("sub").with_mtime({3'000, 0})});
  searched.backup();
  const auto find = [&searched](repo::FindOptions options) {
    options.patterns = {"old", "new", "link", "sub"};
    return searched.find(options);
  };
  CHECK(find({.newer = core::Timestamp{1'500, 0}}) == Lines{"0 new", "0 sub"});
  CHECK(find({.older = core::Timestamp{1'500, 0}}) == Lines{"0 link", "0 old"});
  CHECK(find({.larger = 10}) == Lines{"0 new"});
  CHECK(find({.smaller = 1'000}) == Lines{"0 old"});
  CHECK(find({.larger = 9, .smaller = 11}) == Lines{"0 old"});
  CHECK(find({.type = repo::EntryType::folder}) == Lines{"0 sub"});
  CHECK(find({.type = repo::EntryType::symlink}) == Lines{"0 link"});
  CHECK(find({.larger = 1, .type = repo::EntryType::folder}) == Lines());
}

TEST_CASE("a subtree that snapshots share is read once and found in all of them") {
  Searched searched;
  std::vector<TreeObject> objects;
  for (int i = 0; i < 30; ++i) {
    const std::string folder = "d" + std::to_string(i) + '/';
    objects.push_back(tree::text_file(folder + "wanted", "x"));
    objects.push_back(tree::text_file(folder + "sub/other", "x"));
  }
  searched.make(objects);
  searched.backup();
  static_cast<void>(searched.find(named("wanted")));
  const std::uint64_t folders = searched.report->folders_read;
  CHECK(folders == 61);
  for (int i = 0; i < 9; ++i) {
    searched.backup();
  }
  CHECK(searched.find(named("wanted")).size() == 300);
  CHECK(searched.report->folders_read == folders);
  CHECK(searched.report->found == 300);

  searched.make({tree::text_file("d7/sub/wanted", "x")});
  searched.backup();
  const Lines lines = searched.find(named("wanted"));
  CHECK(lines.size() == 331);
  CHECK(std::ranges::count(lines, "10 d7/sub/wanted") == 1);
  // The folders on the way to what changed, and no other.
  CHECK(searched.report->folders_read == folders + 3);
}

TEST_CASE("what is remembered is what would be read") {
  Searched searched;
  SeededRandom random(3);
  const auto path = [&random] {
    std::string text = "p" + std::to_string(random.below(4));
    for (auto depth = random.below(3); depth > 0; --depth) {
      text += "/q" + std::to_string(random.below(3));
    }
    return text + "/f" + std::to_string(random.below(5));
  };
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 6; ++i) {
      const std::string file = path();
      random.below(3) == 0 ? static_cast<void>(fs::remove(searched.source + '/' + file))
                           : searched.make({tree::file(file, 5, random.below(50))});
    }
    searched.backup();
  }
  const auto all = searched.snapshots();
  for (const char* pattern : {"f1", "q*", "p1/**/f*", "*"}) {
    const Lines together = searched.find(named(pattern));
    Lines one_by_one;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const std::string& line : searched.find(named(pattern), {all[i]})) {
        one_by_one.push_back(std::to_string(i) + line.substr(1));
      }
    }
    CHECK(together == one_by_one);
  }
}

TEST_CASE("find looks only into the snapshots that are asked for") {
  Searched searched;
  searched.make({tree::text_file("f", "x")});
  searched.backup({"daily", "home"});
  searched.backup({"weekly"});
  searched.backup();
  CHECK(searched.snapshots().size() == 3);
  CHECK(searched.snapshots({.tag_lists = {{"daily"}, {"weekly"}}}).size() == 2);
  CHECK(searched.snapshots({.tag_lists = {{"daily", "home"}}}).size() == 1);
  CHECK(searched.snapshots({.tag_lists = {{"daily", "weekly"}}}).empty());
  searched.fixture.observer.warnings.clear();
  CHECK(searched.snapshots({.tag_lists = {{"none"}}}).empty());
  REQUIRE(searched.fixture.observer.warnings.size() == 1);
  CHECK_THAT(searched.fixture.observer.warnings[0], Catch::Contains("of tag none"));
  CHECK(searched.snapshots({.hosts = {"host"}}).size() == 3);
  CHECK(searched.snapshots({.hosts = {"elsewhere"}}).empty());
  CHECK(searched.snapshots({.names = {"latest", "latest~2"}}).size() == 2);
  // The newest of those that pass, not the newest of all if it passes.
  const auto daily = searched.snapshots({.names = {"latest"}, .tag_lists = {{"daily"}}});
  REQUIRE(daily.size() == 1);
  CHECK(daily[0].id == searched.snapshots()[0].id);
  CHECK(outcome(repo::select_snapshots(*searched.repository, {.names = {"latest~9"}},
                                       searched.fixture.observer)) == "not_found");
}

TEST_CASE("the versions of a path") {
  Searched searched;
  searched.make({tree::text_file("other", "x")});
  searched.backup();
  searched.make({tree::text_file("f", "one").with_mtime({1'000, 0})});
  searched.backup();
  searched.backup();
  searched.make({tree::text_file("f", "two").with_mtime({2'000, 0})});
  searched.backup();
  searched.make({tree::text_file("f", "one").with_mtime({1'000, 0})});
  searched.backup();
  fs::remove(searched.source + "/f");
  searched.backup();

  const auto all = searched.snapshots();
  REQUIRE(all.size() == 6);
  const auto versions_of = [&](const std::string& path) {
    auto versions =
        repo::find_versions(*searched.repository, all, path, {}, searched.fixture.observer);
    REQUIRE(outcome(versions) == "ok");
    return *versions;
  };
  const auto versions = versions_of(searched.source + "/f");
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].first.id == all[1].id);
  CHECK(versions[0].last.id == all[4].id);
  CHECK(versions[0].snapshots == 3);
  CHECK(versions[0].entry.mtime == core::Timestamp{1'000, 0});
  CHECK(versions[0].entry.name == "f");
  CHECK(versions[1].first == versions[1].last);
  CHECK(versions[1].first.start == all[3].snapshot.start);
  CHECK(versions[0].content_id != versions[1].content_id);
  CHECK(versions_of(searched.source + "/other").size() == 1);
  CHECK(versions_of(searched.source + "/other/below").empty());
  CHECK(versions_of("/nowhere").empty());
  CHECK(versions_of("/").empty());
  CHECK(versions_of(searched.source).size() >= 3);
  CHECK(outcome(repo::find_versions(*searched.repository, all, "relative", {},
                                    searched.fixture.observer)) == "invalid_argument");
  std::stop_source stop;
  stop.request_stop();
  CHECK(outcome(repo::find_versions(*searched.repository, all, "/f", stop.get_token(),
                                    searched.fixture.observer)) == "interrupted");
}

TEST_CASE("find ends with a mistake, a stop, and what its visitor answers") {
  Searched searched;
  searched.make({tree::text_file("f", "x")});
  searched.backup();
  const auto all = searched.snapshots();
  static_cast<void>(searched.find(named("[a"), all));
  CHECK(outcome(searched.report) == "invalid_argument");
  std::stop_source stop;
  stop.request_stop();
  static_cast<void>(searched.find({.patterns = {"f"}, .stop = stop.get_token()}, all));
  CHECK(outcome(searched.report) == "interrupted");
  const auto refused =
      repo::find(*searched.repository, all, named("f"), searched.fixture.observer,
                 [](const repo::ListedSnapshot&, const repo::ListedEntry&) -> core::Status {
                   return core::fail(core::ErrorCode::io, "full");
                 });
  CHECK(outcome(refused) == "io");
}

TEST_CASE("a key that only adds finds nothing") {
  Searched searched;
  searched.make({tree::text_file("f", "x")});
  searched.backup();
  const auto all = searched.snapshots();
  repo::AddKeyOptions options;
  options.role = repo::Role::backup;
  options.credentials = RepoFixture::passphrase("writer");
  options.kdf = RepoFixture::cheap_kdf();
  REQUIRE(outcome(repo::add_key(*searched.repository, options)) == "ok");
  auto writer = searched.fixture.open("writer", searched.fixture.at("writer's cache"));
  const auto visit = [](const repo::ListedSnapshot&, const repo::ListedEntry&) {
    return core::Status();
  };
  CHECK(outcome(repo::find(*writer, all, named("f"), searched.fixture.observer, visit)) ==
        "not_permitted");
  CHECK(outcome(repo::find_versions(*writer, all, "/f", {}, searched.fixture.observer)) ==
        "not_permitted");
}
