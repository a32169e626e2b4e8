#include "cairn/repo/diff.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

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

struct Compared {
  core::Result<repo::DiffReport> report;
  Lines lines;  ///< "modified sub/file content mtime", paths relative to the source
};

/// A repository, and snapshots of the folder "source" as it was at some times.
struct Snapshots {
  RepoFixture fixture;
  std::string source = fixture.at("source");
  core::Result<repo::Repository> repository = fixture.init();

  repo::Snapshot take(std::vector<std::string> paths = {}) {
    if (paths.empty()) {
      paths.push_back(source);
    }
    const auto report = fixture.backup(*repository, std::move(paths));
    REQUIRE(outcome(report) == "ok");
    return report->snapshot;
  }

  Compared compare(const repo::DiffOptions& options) {
    Lines lines;
    auto report =
        repo::diff(*repository, options, fixture.observer, [&](const repo::Difference& change) {
          std::string line(to_string(change.type));
          line += ' ' + (change.path == source
                             ? "."
                             : fs::path(change.path).lexically_relative(source).string());
          for (const repo::ChangedField field : change.fields) {
            line += ' ' + std::string(to_string(field));
          }
          lines.push_back(line);
          return core::Status();
        });
    return {std::move(report), std::move(lines)};
  }
  Compared compare(const repo::Snapshot& before, const repo::Snapshot& after,
                   const std::string& path = {}) {
    return compare({.before = {&before, path}, .after = {&after, path}});
  }
  /// In place of what stands there.
  void make(const std::vector<TreeObject>& objects) {
    for (const TreeObject& object : objects) {
      if (object.type != repo::EntryType::folder) {
        fs::remove(source + '/' + object.path);
      }
    }
    REQUIRE(make_tree(source, objects) == Lines());
  }
  /// The folder's own time is no part of these tests.
  void set_time(const std::string& path) {
    const std::array<::timespec, 2> times{{{1'000, 0}, {1'000, 0}}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
  }
};

}  // namespace

TEST_CASE("diff says what came, went and changed, and in what") {
  Snapshots snapshots;
  const core::Timestamp then{1'000, 0};
  snapshots.make({tree::text_file("a", "one").with_mtime(then),
                  tree::text_file("gone/deep/file", "x").with_mtime(then),
                  tree::text_file("mode", "x").with_mtime(then),
                  tree::text_file("time", "x").with_mtime(then),
                  tree::text_file("became a folder", "x").with_mtime(then),
                  tree::text_file("same/inside", "x").with_mtime(then),
                  tree::text_file("was folder/f", "x").with_mtime(then),
                  tree::symlink("link", "one").with_mtime(then)});
  snapshots.set_time(snapshots.source);
  const auto before = snapshots.take();
  const std::string& source = snapshots.source;

  fs::remove_all(source + "/gone");
  for (const char* name : {"/a", "/link", "/became a folder"}) {
    fs::remove(source + name);
  }
  fs::remove_all(source + "/was folder");
  snapshots.make({tree::text_file("a", "two").with_mtime({2'000, 5}),
                  tree::text_file("new/file", "x").with_mtime(then),
                  tree::text_file("became a folder/inside", "x").with_mtime(then),
                  tree::text_file("was folder", "x").with_mtime(then),
                  tree::symlink("link", "two").with_mtime(then)});
  REQUIRE(::chmod((source + "/mode").c_str(), 0600) == 0);
  snapshots.make({tree::text_file("time", "x").with_mtime({1'000, 1})});
  snapshots.set_time(source);
  const auto after = snapshots.take();

  const Compared compared = snapshots.compare(before, after);
  REQUIRE(outcome(compared.report) == "ok");
  CHECK(compared.lines == Lines{
                              "modified a content mtime",
                              "type became a folder",
                              "added became a folder/inside",
                              "removed gone",
                              "removed gone/deep",
                              "removed gone/deep/file",
                              "modified link link_target",
                              "modified mode mode",
                              "added new",
                              "added new/file",
                              "modified time mtime",
                              "type was folder",
                              "removed was folder/f",
                          });
  CHECK(compared.report->added == repo::TreeCounts{.files = 2, .folders = 1, .bytes = 2});
  CHECK(compared.report->removed == repo::TreeCounts{.files = 2, .folders = 2, .bytes = 2});
  CHECK(compared.report->content_changed == 2);
  CHECK(compared.report->metadata_changed == 2);
  CHECK(compared.report->type_changed == 2);

  SECTION("the other way round additions are removals") {
    const Compared back = snapshots.compare(after, before);
    REQUIRE(outcome(back.report) == "ok");
    CHECK(back.report->added == compared.report->removed);
    CHECK(back.report->removed == compared.report->added);
    CHECK(back.lines.size() == compared.lines.size());
  }
  SECTION("only what lies at a path") {
    CHECK(snapshots.compare(before, after, source + "/gone/../a").report.error().code() ==
          core::ErrorCode::invalid_argument);
    CHECK(snapshots.compare(before, after, source + "/mode").lines == Lines{"modified mode mode"});
    CHECK(snapshots.compare(before, after, source + "/same").lines == Lines());
    CHECK(outcome(snapshots.compare(before, after, source + "/new").report) == "not_found");
    CHECK(outcome(snapshots.compare(before, after, "/nowhere").report) == "not_found");
  }
  SECTION("two places of one snapshot") {
    const Compared places = snapshots.compare(
        {.before = {&after, source + "/new"}, .after = {&after, source + "/same"}});
    REQUIRE(outcome(places.report) == "ok");
    CHECK(std::ranges::count(places.lines, "removed new/file") == 1);
    CHECK(std::ranges::count(places.lines, "added same/inside") == 1);
  }
}

TEST_CASE("diff reads nothing of what is equal") {
  Snapshots snapshots;
  std::vector<TreeObject> objects;
  for (int i = 0; i < 4'000; ++i) {
    objects.push_back(tree::text_file("many/" + std::to_string(100'000 + i), "x"));
  }
  objects.push_back(tree::text_file("other/file", "x"));
  snapshots.make(objects);
  const auto before = snapshots.take();
  const auto same = snapshots.take();
  const Compared nothing = snapshots.compare(before, same);
  REQUIRE(outcome(nothing.report) == "ok");
  CHECK(nothing.lines.empty());
  CHECK(nothing.report->pieces_read == 0);

  snapshots.make({tree::text_file("many/102000x", "y")});
  const auto after = snapshots.take();
  const Compared one = snapshots.compare(before, after);
  const Compared all = snapshots.compare({.before = {&before, snapshots.source + "/other"},
                                          .after = {&after, snapshots.source + "/many"}});
  REQUIRE(outcome(one.report) == "ok");
  REQUIRE(outcome(all.report) == "ok");
  CHECK(std::ranges::count(one.lines, "added many/102000x") == 1);
  CHECK(one.report->added.files == 1);
  CAPTURE(one.report->pieces_read, all.report->pieces_read);
  CHECK(all.report->pieces_read > 8);
  CHECK(one.report->pieces_read < all.report->pieces_read / 2 + 6);
}

TEST_CASE("diff tells what a comparison of two lists tells") {
  Snapshots snapshots;
  SeededRandom random(7);
  const std::vector<std::string> folders = {"", "a/", "a/b/", "c/"};
  std::map<std::string, std::uint64_t> sizes;
  const auto change_some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const std::string path =
          folders[random.below(folders.size())] + "f" + std::to_string(random.below(900));
      const std::uint64_t size = random.below(3) + 1;
      fs::remove(snapshots.source + '/' + path);
      sizes.erase(path);
      if (random.below(4) != 0) {
        snapshots.make({tree::file(path, size, random.below(3))});
        sizes[path] = size;
      }
    }
  };
  const auto entries_of = [&](const repo::Snapshot& snapshot) {
    std::map<std::string, repo::Entry> entries;
    REQUIRE(repo::list_entries(*snapshots.repository, snapshot,
                               {.path = snapshots.source, .recursive = true},
                               snapshots.fixture.observer, [&](const repo::ListedEntry& listed) {
                                 entries[listed.path] = listed.entry;
                                 return core::Status();
                               }));
    return entries;
  };
  change_some(1'500);
  auto before = snapshots.take();
  for (int round = 0; round < 6; ++round) {
    change_some(1 << (2 * round));
    const auto after = snapshots.take();
    const auto old_entries = entries_of(before);
    const auto new_entries = entries_of(after);
    std::uint64_t added = 0;
    std::uint64_t removed = 0;
    std::uint64_t content = 0;
    for (const auto& [path, entry] : new_entries) {
      const auto old = old_entries.find(path);
      added += old == old_entries.end() ? 1U : 0U;
      content += old != old_entries.end() && old->second.content != entry.content ? 1U : 0U;
    }
    for (const auto& [path, entry] : old_entries) {
      removed += new_entries.contains(path) ? 0U : 1U;
    }
    const Compared compared = snapshots.compare(before, after, snapshots.source);
    REQUIRE(outcome(compared.report) == "ok");
    CHECK(compared.report->added.files + compared.report->added.folders == added);
    CHECK(compared.report->removed.files + compared.report->removed.folders == removed);
    CHECK(compared.report->content_changed == content);
    CHECK(compared.report->type_changed == 0);
    before = after;
  }
}

TEST_CASE("diff of snapshots with other sources: whole sources come and go") {
  Snapshots snapshots;
  snapshots.make({tree::text_file("a/one", "x"), tree::text_file("b/c/two", "x"),
                  tree::text_file("b/d/three", "x")});
  const std::string& source = snapshots.source;
  const auto before = snapshots.take({source + "/a", source + "/b/c"});
  const auto after = snapshots.take({source + "/b/c", source + "/b/d"});
  CHECK(snapshots.compare(before, after).lines ==
        Lines{"removed a", "removed a/one", "added b/d", "added b/d/three"});
  const auto whole = snapshots.take();
  // The folders above the sources were not recorded: nothing is said of their metadata.
  CHECK(snapshots.compare(before, whole).lines == Lines{"added b/d", "added b/d/three"});
}

TEST_CASE("diff tells where names share an object now") {
  Snapshots snapshots;
  const core::Timestamp then{1'000, 0};
  snapshots.make(
      {tree::text_file("a", "x").with_mtime(then), tree::text_file("b", "x").with_mtime(then)});
  snapshots.set_time(snapshots.source);
  const auto before = snapshots.take();
  fs::remove(snapshots.source + "/b");
  fs::create_hard_link(snapshots.source + "/a", snapshots.source + "/b");
  snapshots.set_time(snapshots.source);
  const auto after = snapshots.take();
  CHECK(snapshots.compare(before, after).lines == Lines{"modified b hard_link"});
}

TEST_CASE("diff ends with what its visitor answers, and when asked to stop") {
  Snapshots snapshots;
  snapshots.make({tree::text_file("a", "x")});
  const auto before = snapshots.take();
  snapshots.make({tree::text_file("b", "x")});
  const auto after = snapshots.take();
  const auto refused =
      repo::diff(*snapshots.repository, {.before = {&before, {}}, .after = {&after, {}}},
                 snapshots.fixture.observer, [](const repo::Difference&) -> core::Status {
                   return core::fail(core::ErrorCode::io, "full");
                 });
  CHECK(message_of(refused) == "full");
  std::stop_source stop;
  stop.request_stop();
  CHECK(outcome(
            snapshots
                .compare({.before = {&before, {}}, .after = {&after, {}}, .stop = stop.get_token()})
                .report) == "interrupted");
}

TEST_CASE("diff names the damage that keeps it from comparing") {
  Snapshots snapshots;
  snapshots.make({tree::text_file("a", "x")});
  const auto before = snapshots.take();
  snapshots.make({tree::text_file("b", "x")});
  const auto after = snapshots.take();
  for (const std::string& pack : snapshots.fixture.objects("packs")) {
    const std::string file = snapshots.fixture.object_file(pack);
    for (std::uint64_t at = 200; at + 200 < fs::file_size(file); at += 64) {
      flip_byte(file, at);
    }
  }
  auto fresh = snapshots.fixture.open("correct horse", snapshots.fixture.at("fresh cache"));
  REQUIRE(outcome(fresh) == "ok");
  const auto report = repo::diff(*fresh, {.before = {&before, {}}, .after = {&after, {}}},
                                 snapshots.fixture.observer,
                                 [](const repo::Difference&) { return core::Status(); });
  CHECK_FALSE(report.has_value());
}

TEST_CASE("a key that only adds cannot compare") {
  Snapshots snapshots;
  snapshots.make({tree::text_file("a", "x")});
  const auto snapshot = snapshots.take();
  repo::AddKeyOptions options;
  options.role = repo::Role::backup;
  options.credentials = RepoFixture::passphrase("writer");
  options.kdf = RepoFixture::cheap_kdf();
  REQUIRE(outcome(repo::add_key(*snapshots.repository, options)) == "ok");
  auto writer = snapshots.fixture.open("writer", snapshots.fixture.at("writer's cache"));
  const auto report = repo::diff(*writer, {.before = {&snapshot, {}}, .after = {&snapshot, {}}},
                                 snapshots.fixture.observer,
                                 [](const repo::Difference&) { return core::Status(); });
  CHECK(outcome(report) == "not_permitted");
}
