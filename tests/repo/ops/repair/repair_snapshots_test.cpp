#include <filesystem>
#include <map>
#include <set>

#include "cairn/repo/repair.h"
#include "cairn/repo/rewrite.h"
#include "collecting.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct MendingWorld {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");

  MendingWorld() {
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
  }
  [[nodiscard]] std::string tree() const { return fixture.at("source"); }
  repo::BackupReport backup(const std::vector<TreeObject>& objects) {
    REQUIRE(make_tree(tree(), objects) == std::vector<std::string>());
    auto report = fixture.backup(*repository, {tree()});
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  [[nodiscard]] std::set<std::string> packs() const {
    const auto objects = fixture.objects("packs");
    return {objects.begin(), objects.end()};
  }
  /// Removes the packs that are of this kind.
  void lose(const std::set<std::string>& packs, repo::format::BlockKind kind) {
    repo::ops::OpenRepository& parts = repo::ops::opened(*repository);
    for (const std::string& pack : packs) {
      const auto id = repo::PackId::from_hex(pack.substr(pack.rfind('/') + 1));
      REQUIRE(id.has_value());
      const auto description = repo::store::read_pack_description(*parts.backend, *parts.keys, *id);
      REQUIRE(outcome(description) == "ok");
      if (description->directory.kind == kind) {
        std::filesystem::remove(fixture.object_file(pack));
      }
    }
  }
  repo::RewriteReport mend(const repo::RewriteOptions& options = {}) {
    auto report = repo::repair_snapshots(*repository, options, fixture.observer);
    REQUIRE(outcome(report) == "ok");
    return *std::move(report);
  }
  repo::ListedSnapshot find(const repo::SnapshotId& id) {
    auto found = repo::find_snapshot(*repository, id.hex(), fixture.observer);
    REQUIRE(outcome(found) == "ok");
    return *std::move(found);
  }
  std::string restore(const repo::Snapshot& snapshot) {
    const std::string out = fixture.at("out" + std::to_string(outs_++));
    const auto restored = fixture.restore(*repository, snapshot, tree(), out);
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
    return out;
  }

 private:
  int outs_ = 0;
};

}  // namespace

TEST_CASE("bytes that are lost become a hole, and the file is flagged", "[repair]") {
  MendingWorld world;
  world.backup({tree::file("kept", 300'000, 1)});
  const auto before = world.packs();
  const auto second =
      world.backup({tree::file("lost", 200'000, 2), tree::text_file("kept too", "")});
  auto added = world.packs();
  std::erase_if(added, [&](const std::string& pack) { return before.contains(pack); });
  world.lose(added, repo::format::BlockKind::data);

  const auto report = world.mend({.forget = true});
  REQUIRE(report.snapshots.size() == 2);
  CHECK_FALSE(report.snapshots[0].changed);
  const auto& mended = report.snapshots[1];
  CHECK(mended.original.id == *second.id);
  CHECK(mended.forgotten);
  REQUIRE(mended.lost.size() == 1);
  CHECK(mended.lost.front().path == world.tree() + "/lost");
  CHECK(mended.lost.front().kind == repo::ProblemKind::lost);
  CHECK(mended.lost.front().reason == "200000 of its 200000 bytes are lost and read as zeros");
  const auto now = world.find(*mended.replacement);
  CHECK(now.snapshot.problems == mended.lost);
  CHECK(now.snapshot.problem_count == 1);

  const std::string out = world.restore(now.snapshot);
  const core::Bytes zeros = read_file(out + "/lost");
  CHECK(zeros.size() == 200'000);
  CHECK(std::ranges::all_of(zeros, [](std::byte b) { return b == std::byte{}; }));
  CHECK(compare_trees(world.tree(), out) ==
        std::vector<std::string>{"lost: content differs from byte 0 on"});
  bool flagged = false;
  REQUIRE(outcome(repo::list_entries(
              *world.repository, now.snapshot, {.path = world.tree(), .recursive = true},
              world.fixture.observer, [&](const repo::ListedEntry& listed) -> core::Status {
                const bool is_lost = listed.path.ends_with("/lost");
                CHECK(listed.entry.has_lost_bytes == is_lost);
                flagged = flagged || is_lost;
                return {};
              })) == "ok");
  CHECK(flagged);
  CHECK(world.mend().snapshots[0].changed == false);
  CHECK(world.mend().snapshots[1].changed == false);
  REQUIRE(outcome(prune(world.fixture, *world.repository)) == "ok");
  check_all_restore(world.fixture, 2);
}

TEST_CASE("of a folder that cannot be read in full the rest is kept", "[repair]") {
  MendingWorld world;
  std::vector<TreeObject> objects{tree::hard_link("z/second", "b/first"),
                                  tree::hard_link("z/third", "b/first")};
  objects.insert(objects.begin(), tree::file("b/first", 5'000, 3));
  for (int i = 0; i < 3'000; ++i) {
    objects.push_back(tree::text_file("many/" + std::to_string(i), std::to_string(i)));
  }
  world.backup(objects);
  const auto before = world.packs();
  std::filesystem::remove(world.tree() + "/many/1500");
  // Some leaves of the second snapshot are new, the others only in the packs of the first.
  const auto second = world.backup({tree::text_file("many/1500", "other"),
                                    tree::text_file("new/file", "all of it is new"),
                                    tree::text_file("z/fourth", "new")});
  world.lose(before, repo::format::BlockKind::metadata);

  const auto report = world.mend();
  REQUIRE(report.snapshots.size() == 2);
  CHECK(report.snapshots[0].nothing_left);
  const auto& mended = report.snapshots[1];
  CHECK(mended.original.id == *second.id);
  REQUIRE(mended.replacement.has_value());
  std::set<std::string> holed;
  for (const repo::Problem& problem : mended.lost) {
    holed.insert(problem.path.substr(world.tree().size()));
  }
  CHECK(holed.contains("/b"));
  CHECK(holed.contains("/many"));
  CHECK_FALSE(holed.contains("/new"));
  CHECK_FALSE(holed.contains("/z"));

  const auto now = world.find(*mended.replacement);
  const std::string out = world.restore(now.snapshot);
  CHECK(std::filesystem::is_empty(out + "/b"));
  const auto left = static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(out + "/many"), {}));
  CHECK(left > 0);
  CHECK(left < 3'000);
  CHECK(read_file(out + "/many/1500") == core::to_bytes(core::as_view("other")));
  // The first name is lost: the second one takes its place, and the third is the same file.
  CHECK(std::filesystem::equivalent(out + "/z/second", out + "/z/third"));
  CHECK(compare_trees(world.tree() + "/z", out + "/z", {.hard_links = false}).empty());
  CHECK(compare_trees(world.tree() + "/new", out + "/new").empty());
  CHECK(now.snapshot.sources.front().counts.files == left + 4);

  const auto verified =
      repo::verify(*world.repository,
                   {.snapshots = {*mended.replacement}, .check_integrity = true, .workers = 2},
                   world.fixture.observer);
  REQUIRE(outcome(verified) == "ok");
  for (const repo::Finding& finding : verified->findings) {
    CHECK(finding.affected_count == 0);
  }
}

TEST_CASE("of a file whose list cannot be read the rest is kept", "[repair]") {
  MendingWorld world;
  world.backup({tree::file("long", 40'000'000, 7)});
  const auto before = world.packs();
  // The end of the file is new, and so is the end of its list.
  const auto data = read_file(world.tree() + "/long");
  core::Bytes grown = data;
  const core::Bytes more = world.fixture.random.bytes(6'000'000);
  grown.insert(grown.end(), more.begin(), more.end());
  write_file(world.tree() + "/long", grown);
  world.backup({});
  world.lose(before, repo::format::BlockKind::metadata);

  const auto report = world.mend();
  REQUIRE(report.snapshots.size() == 2);
  const auto& mended = report.snapshots[1];
  REQUIRE(mended.replacement.has_value());
  const std::string out = world.restore(world.find(*mended.replacement).snapshot);
  const core::Bytes left = read_file(out + "/long");
  REQUIRE(left.size() == grown.size());
  std::uint64_t lost_bytes = 0;
  std::uint64_t on_borders = 0;
  for (std::size_t at = 0; at < left.size(); at += 1'000) {
    const auto piece = core::ByteView(left).subspan(at, 1'000);
    const bool is_zero = std::ranges::all_of(piece, [](std::byte b) { return b == std::byte{}; });
    const bool is_same = std::ranges::equal(piece, core::ByteView(grown).subspan(at, 1'000));
    lost_bytes += is_zero ? 1'000 : 0;
    on_borders += is_zero || is_same ? 0 : 1;
  }
  CHECK(on_borders <= 2);  // all that is lost lies together, before what is new
  CHECK(lost_bytes > 0);
  CHECK(std::ranges::equal(core::ByteView(left).last(1'000), core::ByteView(grown).last(1'000)));
  const auto told = std::ranges::find(mended.lost, world.tree() + "/long", &repo::Problem::path);
  REQUIRE(told != mended.lost.end());
  CHECK(told->reason.ends_with("of its 46000000 bytes are lost and read as zeros"));
}

TEST_CASE("a dry run of repair snapshots changes nothing", "[repair]") {
  MendingWorld world;
  world.backup({tree::file("lost", 200'000, 2)});
  world.lose(world.packs(), repo::format::BlockKind::data);
  const auto before = world.fixture.objects("");
  const auto report = world.mend({.forget = true, .dry_run = true});
  CHECK(report.snapshots.front().changed);
  CHECK(report.snapshots.front().lost_count == 1);
  CHECK(world.fixture.objects("") == before);
}

TEST_CASE("birth times that are lost become unknown, and nothing else changes", "[repair]") {
  MendingWorld world;
  const std::vector<TreeObject> objects{tree::file("a", 5'000, 1).with_mtime({1'000, 1}),
                                        tree::file("sub/c", 5'000, 2).with_mtime({1'000, 2}),
                                        tree::folder("sub").with_mtime({1'000, 3})};
  const auto made = world.backup(objects);
  if (made.snapshot.sources.front().birth_times.size_bytes == 0) {
    WARN("skipped: this file system has no birth times");
    return;
  }
  world.lose(world.packs(), repo::format::BlockKind::metadata);
  // A copy has all that nodes say, but was born later.
  const std::string copy = world.fixture.at("copy");
  std::filesystem::create_directory(copy);
  REQUIRE(make_tree(copy, objects).empty());
  std::filesystem::last_write_time(copy, std::filesystem::last_write_time(world.tree()));
  const auto healed = repo::repair_packs(*world.repository, {.sources = {copy}, .workers = 2},
                                         world.fixture.observer);
  REQUIRE(outcome(healed) == "ok");
  CHECK(healed->missing_after == 1);

  const auto verified = world.fixture.verify(*world.repository);
  REQUIRE(outcome(verified) == "ok");
  std::vector<std::string> affected;
  for (const repo::Finding& finding : verified->findings) {
    affected.insert(affected.end(), finding.affected.begin(), finding.affected.end());
  }
  CHECK(affected == std::vector<std::string>{made.id->short_hex() + ":" + world.tree() +
                                             " (birth times only)"});

  const auto report = world.mend({.forget = true});
  REQUIRE(report.snapshots.size() == 1);
  CHECK(report.snapshots.front().lost_count == 1);
  REQUIRE(report.snapshots.front().replacement.has_value());
  const auto now = world.find(*report.snapshots.front().replacement);
  CHECK(now.snapshot.sources.front().root == made.snapshot.sources.front().root);
  CHECK(now.snapshot.sources.front().birth_times.size_bytes == 0);
  REQUIRE(outcome(prune(world.fixture, *world.repository)) == "ok");
  check_all_restore(world.fixture, 1);
}
