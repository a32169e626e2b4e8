#include "cairn/repo/rewrite.h"

#include <filesystem>

#include "cairn/repo/marks.h"
#include "cairn/repo/stats.h"
#include "collecting.h"
#include "ops/tree/birth_times.h"

using namespace cairn;
using namespace cairn::test;

namespace {

std::vector<TreeObject> rewritten_tree() {
  std::vector<TreeObject> objects = {
      tree::file("docs/deep/one", 100'000, 2).with_mtime({1'000'000'000, 123'456'789}),
      tree::file("docs/long", 3'000'000, 3),
      tree::text_file("docs/nothing", ""),
      tree::hard_link("linked/again", "docs/deep/one"),
      tree::hard_link("linked/and again", "docs/deep/one"),
      tree::folder("empty"),
      tree::symlink("dangling", "/nowhere/at all"),
      tree::fifo("pipe"),
      tree::text_file("a\nname\xff", "not UTF-8").with_mode(0600),
      tree::sparse_file("sparse", 5'000'000, {{8'192, 5'000}, {4'000'000, 100}})};
  for (int i = 0; i < 1500; ++i) {
    objects.push_back(tree::text_file("many/" + std::to_string(i), std::to_string(i % 700)));
  }
  return objects;
}

struct RewriteWorld {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");

  explicit RewriteWorld(const std::vector<TreeObject>& objects = rewritten_tree()) {
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(make_tree(tree(), objects) == std::vector<std::string>());
    backup();
  }
  [[nodiscard]] std::string tree() const { return fixture.at("source"); }
  repo::BackupReport backup() {
    auto report = fixture.backup(*repository, {tree()});
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  repo::RewriteReport rewrite(const std::vector<std::string>& patterns,
                              const repo::RewriteOptions& options = {}) {
    repo::PathFilter filter;
    for (const std::string& pattern : patterns) {
      REQUIRE(outcome(filter.add_exclude(pattern)) == "ok");
    }
    auto report = repo::rewrite(*repository, filter, options, fixture.observer);
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  std::vector<repo::ListedSnapshot> listed() {
    auto list = repo::list_snapshots(*repository, fixture.observer);
    REQUIRE(outcome(list) == "ok");
    return *std::move(list);
  }
  repo::Snapshot snapshot(const repo::SnapshotId& id) {
    const auto found = repo::find_snapshot(*repository, id.hex(), fixture.observer);
    REQUIRE(outcome(found) == "ok");
    return found->snapshot;
  }
};

}  // namespace

TEST_CASE("a rewritten snapshot is what a backup with the same patterns makes", "[rewrite]") {
  RewriteWorld world;
  const std::string tree = world.tree();
  const std::vector<std::string> patterns =
      GENERATE_COPY(values<std::vector<std::string>>({{tree + "/docs"},
                                                      {"*1"},
                                                      {"many/"},
                                                      {"one"},
                                                      {"again"},
                                                      {"docs/deep/", "pipe"},
                                                      {"*", "!many", "!many/7*"}}));
  INFO(patterns.front());
  const auto report = world.rewrite(patterns);
  REQUIRE(report.snapshots.size() == 1);
  const auto& rewritten = report.snapshots.front();
  CHECK(rewritten.changed);
  CHECK(rewritten.left_out > 0);
  REQUIRE(rewritten.replacement.has_value());

  repo::BackupOptions options = world.fixture.options({tree});
  for (const std::string& pattern : patterns) {
    REQUIRE(outcome(options.choice.filter.add_exclude(pattern)) == "ok");
  }
  const auto made = world.fixture.backup(*world.repository, options);
  REQUIRE(outcome(made) == "ok");
  const repo::Snapshot now = world.snapshot(*rewritten.replacement);
  CHECK(now.sources == made->snapshot.sources);
  CHECK(now.start == rewritten.original.snapshot.start);
  CHECK(rewritten.left_out == [](const repo::TreeCounts& all, const repo::TreeCounts& left) {
    return all.files + all.folders + all.symlinks + all.others - left.files - left.folders -
           left.symlinks - left.others;
  }(counts_of(rewritten.original.snapshot), counts_of(now)));
  CHECK(rewritten.left_out_bytes ==
        counts_of(rewritten.original.snapshot).bytes - counts_of(now).bytes);
  check_all_restore(world.fixture, 3);
}

TEST_CASE("rewriting again finds the replacement, and without anything to do there is none",
          "[rewrite]") {
  RewriteWorld world;
  const auto first = world.rewrite({"pipe"});
  const auto again = world.rewrite({"pipe"});
  REQUIRE(again.snapshots.size() == 2);
  for (const auto& rewritten : again.snapshots) {
    if (rewritten.original.id == first.snapshots.front().original.id) {
      CHECK(rewritten.was_there);
      CHECK(rewritten.replacement == first.snapshots.front().replacement);
    } else {
      CHECK_FALSE(rewritten.changed);
    }
  }
  CHECK(world.listed().size() == 2);
  CHECK_FALSE(world.rewrite({"no such name"}).snapshots.front().changed);
  const auto nothing = world.rewrite({"/*"});
  CHECK(nothing.snapshots.front().nothing_left);
  CHECK_FALSE(nothing.snapshots.front().replacement.has_value());
  CHECK(world.listed().size() == 2);
}

TEST_CASE("a dry run of rewrite changes nothing", "[rewrite]") {
  RewriteWorld world;
  const auto before = world.fixture.objects("");
  const auto report = world.rewrite({"many"}, {.forget = true, .dry_run = true});
  CHECK(report.snapshots.front().changed);
  CHECK(report.snapshots.front().left_out == 1501);
  CHECK_FALSE(report.snapshots.front().replacement.has_value());
  CHECK(report.written_bytes == 0);
  CHECK(world.fixture.objects("") == before);
}

TEST_CASE("what was replaced is forgotten on request, unless it is pinned", "[rewrite]") {
  RewriteWorld world;
  const auto second = world.backup();
  REQUIRE(outcome(repo::pin(*world.repository, {second.id->hex()}, world.fixture.observer)) ==
          "ok");
  const auto report = world.rewrite({"docs"}, {.forget = true});
  REQUIRE(report.snapshots.size() == 2);
  CHECK(report.snapshots[0].forgotten);
  CHECK_FALSE(report.snapshots[1].forgotten);
  const auto listed = world.listed();
  REQUIRE(listed.size() == 3);
  for (const auto& snapshot : listed) {
    CHECK(snapshot.pinned ==
          (snapshot.id == second.id || snapshot.id == report.snapshots[1].replacement));
  }
}

TEST_CASE("only a key that reads, writes and collects may rewrite", "[rewrite]") {
  RewriteWorld world;
  const auto role =
      GENERATE(repo::Role::backup, repo::Role::restore, repo::Role::maintain, repo::Role::audit);
  repo::AddKeyOptions options;
  options.role = role;
  options.credentials = RepoFixture::passphrase("other");
  options.kdf = RepoFixture::cheap_kdf();
  REQUIRE(outcome(repo::add_key(*world.repository, options)) == "ok");
  auto other = world.fixture.open("other", world.fixture.at("other-cache"));
  REQUIRE(outcome(other) == "ok");
  repo::PathFilter filter;
  REQUIRE(outcome(filter.add_exclude("docs")) == "ok");
  CHECK(outcome(repo::rewrite(*other, filter, {}, world.fixture.observer)) == "not_permitted");
}

TEST_CASE("would_free says what forgetting gives back to a prune", "[rewrite]") {
  RewriteWorld world;
  const auto old = world.listed().front().id;
  std::filesystem::remove(world.tree() + "/docs/long");
  REQUIRE(make_tree(world.tree(), {tree::file("docs/long", 3'000'000, 9)}).empty());
  world.backup();
  const auto said =
      repo::would_free(*world.repository, {.snapshots = {old.hex()}}, world.fixture.observer);
  REQUIRE(outcome(said) == "ok");
  CHECK(said->freed_bytes > 2'900'000);
  CHECK(said->added_bytes == 0);
  CHECK(said->unneeded_bytes == 0);
  const std::uint64_t before = pack_bytes(world.fixture);
  bury(*world.repository, old);
  REQUIRE(outcome(prune(world.fixture, *world.repository, {.max_unused = 0})) == "ok");
  const std::uint64_t freed = before - pack_bytes(world.fixture);
  // Packs have a header, a directory and a footer, too.
  CHECK(freed + 20'000 > said->freed_bytes);
  CHECK(freed < said->freed_bytes + 20'000);
}

TEST_CASE("would_free says what excluding a path gives back to a rewrite and a prune",
          "[rewrite]") {
  RewriteWorld world;
  REQUIRE(make_tree(world.tree(), {tree::file("docs/more", 2'000'000, 9),
                                   tree::file("copy of long", 3'000'000, 3)})
              .empty());
  world.backup();
  repo::WouldFreeOptions options;
  REQUIRE(outcome(options.exclude.add_exclude(world.tree() + "/docs")) == "ok");
  const auto said = repo::would_free(*world.repository, options, world.fixture.observer);
  REQUIRE(outcome(said) == "ok");
  CHECK(said->freed_bytes > 2'000'000);
  CHECK(said->freed_bytes < 2'200'000);  // the long one is somewhere else, too
  CHECK(said->added_bytes > 0);
  const std::uint64_t before = pack_bytes(world.fixture);
  world.rewrite({world.tree() + "/docs"}, {.forget = true});
  REQUIRE(outcome(prune(world.fixture, *world.repository, {.max_unused = 0})) == "ok");
  const std::uint64_t freed = before - pack_bytes(world.fixture);
  CHECK(freed + 20'000 > said->freed_bytes - said->added_bytes);
  CHECK(freed < said->freed_bytes - said->added_bytes + 20'000);
  check_all_restore(world.fixture, 2);
}

TEST_CASE("birth times come back in order, as far as they are known", "[rewrite]") {
  RewriteWorld world;
  repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
  const auto view = repo::ops::ensure_catalogue(parts, world.fixture.observer);
  REQUIRE(outcome(view) == "ok");
  class KeptNodes final : public repo::ops::NodeSink {
   public:
    explicit KeptNodes(const repo::ops::OpenRepository& parts) : parts_(parts) {}
    [[nodiscard]] core::Result<repo::ChunkId> put_node(core::ByteView encoded) override {
      return parts_.keys->metadata_chunk_id(encoded);
    }

   private:
    const repo::ops::OpenRepository& parts_;
  };
  KeptNodes nodes(parts);
  const repo::Source source = world.listed().front().snapshot.sources.front();
  repo::ops::BirthTimeReader reader(*view, source.birth_times);
  repo::ops::BirthTimeWriter writer(nodes);
  const repo::TreeCounts& counts = source.counts;
  const std::uint64_t objects = counts.files + counts.folders + counts.symlinks + counts.others;
  std::uint64_t known = 0;
  for (std::uint64_t i = 0; i < objects; ++i) {
    const auto time = reader.next();
    REQUIRE(outcome(time) == "ok");
    known += time->has_value() ? 1U : 0U;
    REQUIRE(outcome(writer.add(*time)) == "ok");
  }
  CHECK((known == 0 || known == objects));  // some file systems have none
  const auto behind = reader.next();
  REQUIRE(outcome(behind) == "ok");
  CHECK_FALSE(behind->has_value());
  const auto written = writer.finish();
  REQUIRE(outcome(written) == "ok");
  CHECK(*written == source.birth_times);
}
