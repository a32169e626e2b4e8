#include <filesystem>

#include "collecting.h"

using namespace cairn;
using namespace cairn::test;

namespace {

/// A folder whose entries take several blocks of nodes.
void make_wide_folder(const std::string& root, const std::string& name) {
  std::vector<TreeObject> objects;
  for (int i = 0; i < 6'000; ++i) {
    objects.push_back(tree::text_file(
        name + "/" + std::to_string(i * 7919 % 6'000) + std::string(120, 'x'), std::to_string(i)));
  }
  REQUIRE(make_tree(root, objects).empty());
}

}  // namespace

TEST_CASE("what a prune moves while it is read is found in its new place", "[prune]") {
  RepoFixture fixture;
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  make_wide_folder(fixture.at("source"), "a");
  make_wide_folder(fixture.at("source"), "b");
  make_wide_folder(fixture.at("source"), "old");
  const auto old = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(old) == "ok");
  std::filesystem::remove_all(fixture.at("source/old"));
  const auto kept = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(kept) == "ok");
  bury(*repository, *old->id);
  const auto packs = fixture.objects("packs");

  auto reader = fixture.open("correct horse", fixture.at("reader-cache"));
  REQUIRE(outcome(reader) == "ok");
  std::uint64_t entries = 0;
  const auto listed = repo::list_entries(
      *reader, kept->snapshot, {.path = fixture.at("source"), .recursive = true}, fixture.observer,
      [&](const repo::ListedEntry& /*listed*/) -> core::Status {
        entries += 1;
        if (entries == 1) {
          CHECK(outcome(prune(fixture, *repository, {.max_unused = 0})) == "ok");
        }
        return {};
      });
  CHECK(outcome(listed) == "ok");
  CHECK(entries == 12'002);
  // The prune has done what this is about.
  const auto now = fixture.objects("packs");
  CHECK(std::ranges::none_of(packs, [&](const std::string& pack) {
    return std::ranges::find(now, pack) != now.end() &&
           read_file(fixture.object_file(pack)).size() > 300'000;
  }));
}

TEST_CASE("a prune during which another one deletes a forgotten snapshot sees no damage",
          "[prune]") {
  RepoFixture fixture;
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 300'000, 1)}).empty());
  const auto doomed = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(doomed) == "ok");
  std::filesystem::remove(fixture.at("source/a"));
  REQUIRE(make_tree(fixture.at("source"), {tree::file("b", 300'000, 2)}).empty());
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");

  auto slow = fixture.open("correct horse", fixture.at("slow-cache"));
  REQUIRE(outcome(slow) == "ok");
  RecordingObserver observer;
  bool done = false;
  observer.on_progress = [&](const repo::Progress& progress) {
    // The slow one has marked the first snapshot, and is about to look at the second.
    if (!done && progress.files_done == 0 && progress.bytes_done > 0) {
      done = true;
      bury(*repository, *doomed->id);
      CHECK(outcome(prune(fixture, *repository, {.max_unused = 0})) == "ok");
    }
    fixture.clock.advance(std::chrono::seconds(1));
  };
  fixture.clock.advance(std::chrono::seconds(1));
  const auto pruned = repo::prune(*slow, {.max_unused = 0}, observer);
  CHECK(done);
  CHECK(outcome(pruned) == "ok");
  check_all_restore(fixture, 1);
}
