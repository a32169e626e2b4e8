#include "ops/source/folder_scout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <gsl/assert>

#include "catch2.h"
#include "fake_clock.h"
#include "temp_folder.h"
#include "tree_spec.h"

namespace cairn::repo::ops {
namespace {

namespace tree = test::tree;
using Lines = std::vector<std::string>;
using Extent = RecentFolders::Extent;

InodeId id_of(const std::string& path) {
  Statx status{};
  Expects(stat_at(AT_FDCWD, path.c_str(), status) == 0);
  return inode_id(status);
}

/// A scout in a tree of its own.
class Scouted {
 public:
  explicit Scouted(const std::vector<test::TreeObject>& objects, const Choice* choice = nullptr)
      : scout_({.choice = choice, .clock = clock_, .stopping = stopping_, .recent = recent_}) {
    Ensures(test::make_tree(temp_.path(), objects).empty());
    root_ = std::make_unique<SourceFolder>(open_folder(AT_FDCWD, temp_.path().c_str()));
  }

  [[nodiscard]] std::string path(std::string_view name) const { return temp_ / name; }
  [[nodiscard]] FolderScout::Place root() const {
    return {root_->descriptor(), id_of(temp_.path()).device, temp_.path()};
  }
  /// Names of the subfolders among these.
  Lines look_at(const Lines& names) {
    Lines subfolders;
    for (const auto& [number, subfolder] : scout_.look_at(root(), names)) {
      CHECK(subfolder.name == names[number]);
      CHECK(subfolder.id == id_of(path(subfolder.name)));
      subfolders.push_back(subfolder.name);
    }
    return subfolders;
  }
  void look_into(const std::string& name) { look_into(name, id_of(path(name))); }
  void look_into(const std::string& name, const InodeId& id) {
    scout_.look_into(root(), {.name = name, .id = id});
  }
  [[nodiscard]] std::optional<Extent> extent(std::string_view name) const {
    return recent_.find(id_of(path(name)));
  }
  [[nodiscard]] unsigned calls() { return scout_.meter().calls(); }
  void stop() { stopping_ = true; }

 private:
  test::TempFolder temp_;
  test::FakeClock clock_;
  std::atomic<bool> stopping_ = false;
  RecentFolders recent_;
  FolderScout scout_;
  std::unique_ptr<SourceFolder> root_;
};

TEST_CASE("a scout stats every child and answers the subfolders") {
  Scouted scouted({tree::text_file("a", ""), tree::folder("b"), tree::symlink("c", "b"),
                   tree::fifo("d"), tree::folder("e")});
  CHECK(scouted.look_at({"a", "b", "c", "d", "e", "not there"}) == Lines{"b", "e"});
  CHECK(scouted.calls() == 6);
}

TEST_CASE("a scout looks into a subfolder to the bottom") {
  Scouted scouted({tree::text_file("a/1", ""), tree::text_file("a/b/2", ""),
                   tree::text_file("a/b/3", ""), tree::folder("a/c"), tree::symlink("a/d", "/"),
                   tree::folder("other")});
  scouted.look_into("a");
  CHECK(scouted.extent("a") == Extent::everything);
  CHECK(scouted.extent("a/b") == Extent::everything);
  CHECK(scouted.extent("a/c") == Extent::everything);
  CHECK(scouted.extent("other") == std::nullopt);
  // Three listings, and 1, b, c, d, 2, 3.
  CHECK(scouted.calls() == 9);
  scouted.look_into("a");
  CHECK(scouted.calls() == 9);
}

TEST_CASE("a scout does not go deeper than it has descriptors for") {
  Scouted scouted({tree::text_file("1/2/3/4/5/6", "")});
  scouted.look_into("1");
  CHECK(scouted.extent("1") == Extent::children);
  CHECK(scouted.extent("1/2/3/4") == Extent::children);
  CHECK(scouted.extent("1/2/3/4/5") == std::nullopt);
}

TEST_CASE("a scout stops at the folder after which it has seen enough") {
  std::vector<test::TreeObject> objects;
  for (int i = 0; i < 600; ++i) {
    objects.push_back(tree::fifo(fmt::format("a/b/{}", i)));
  }
  objects.push_back(tree::folder("a/c"));
  Scouted scouted(objects);
  scouted.look_into("a");
  CHECK(scouted.extent("a") == Extent::children);
  CHECK(scouted.extent("a/b") == Extent::everything);
  CHECK(scouted.extent("a/c") == std::nullopt);
}

TEST_CASE("of a huge folder a scout sees what one read of it names") {
  std::vector<test::TreeObject> objects;
  for (int i = 0; i < 3000; ++i) {
    objects.push_back(tree::fifo(fmt::format("a/number {}", i)));
  }
  Scouted scouted(objects);
  scouted.look_into("a");
  CHECK(scouted.extent("a") == Extent::children);
  CHECK(scouted.calls() > 500);
  CHECK(scouted.calls() < 3000);
}

TEST_CASE("a scout leaves out what the walk leaves out") {
  Choice choice;
  REQUIRE(choice.filter.add_exclude("skip/").has_value());
  choice.exclude_caches = true;
  choice.exclude_if_present = {".nobackup"};
  Scouted scouted(
      {tree::folder("a/skip/b"), tree::folder("a/keep/c"),
       tree::text_file("a/cache/CACHEDIR.TAG", ""), tree::folder("a/cache/d"),
       tree::text_file("a/tagged/.nobackup", ""), tree::folder("a/tagged/e"), tree::folder("skip")},
      &choice);
  CHECK(scouted.look_at({"a", "skip"}) == Lines{"a"});
  scouted.look_into("a");
  CHECK(scouted.extent("a/keep") == Extent::everything);
  CHECK(scouted.extent("a/keep/c") == Extent::everything);
  for (const char* const name : {"a/skip", "a/skip/b", "a/cache", "a/cache/d", "a/tagged/e"}) {
    INFO(name);
    CHECK(scouted.extent(name) == std::nullopt);
  }
}

TEST_CASE("a scout does not look into what has taken a subfolder's name") {
  Scouted scouted({tree::folder("a"), tree::folder("b/in"), tree::folder("elsewhere/in")});
  const InodeId a = id_of(scouted.path("a"));
  const InodeId b = id_of(scouted.path("b"));
  std::filesystem::remove(scouted.path("a"));
  std::filesystem::create_directory_symlink(scouted.path("elsewhere"), scouted.path("a"));
  scouted.look_into("a", a);
  std::filesystem::rename(scouted.path("b"), scouted.path("moved"));
  std::filesystem::rename(scouted.path("elsewhere"), scouted.path("b"));
  scouted.look_into("b", b);
  CHECK(scouted.extent("b") == std::nullopt);
  CHECK(scouted.extent("b/in") == std::nullopt);
  CHECK(scouted.calls() == 0);
}

TEST_CASE("a scout does not enter other file systems") {
  if (id_of("/").device == id_of("/proc").device) {
    WARN("skipped: /proc is no file system of its own");
    return;
  }
  test::FakeClock clock;
  const std::atomic<bool> stopping = false;
  RecentFolders recent;
  FolderScout scout({.choice = nullptr, .clock = clock, .stopping = stopping, .recent = recent});
  const SourceFolder root(open_folder(AT_FDCWD, "/"));
  CHECK(scout.look_at({root.descriptor(), id_of("/").device, ""}, {"proc"}).empty());
}

TEST_CASE("a scout that is to stop does nothing more") {
  Scouted scouted({tree::folder("a/b")});
  scouted.stop();
  CHECK(scouted.look_at({"a"}).empty());
  scouted.look_into("a");
  CHECK(scouted.extent("a") == std::nullopt);
  CHECK(scouted.calls() == 0);
}

TEST_CASE("folders are remembered until thousands of others have come") {
  RecentFolders recent;
  recent.insert({1, 1}, Extent::children);
  CHECK(recent.find({1, 1}) == Extent::children);
  recent.insert({1, 1}, Extent::everything);
  CHECK(recent.find({1, 1}) == Extent::everything);
  CHECK(recent.find({2, 1}) == std::nullopt);
  for (std::uint64_t i = 0; i < 4096; ++i) {
    recent.insert({3, i}, Extent::children);
  }
  CHECK(recent.find({1, 1}) == Extent::everything);
  for (std::uint64_t i = 4096; i < 8192; ++i) {
    recent.insert({3, i}, Extent::children);
  }
  CHECK(recent.find({1, 1}) == std::nullopt);
  CHECK(recent.find({3, 8191}) == Extent::children);
}

TEST_CASE("a call that takes longer than the kernel's cache does is a wait") {
  WaitMeter meter;
  meter.note(3'000, 0);
  meter.note(400'000, 1000);
  CHECK(meter.waits() == 0);
  meter.note(60'000, 0);
  meter.note(700'000, 1000);
  CHECK(meter.waits() == 1 + 8);
  CHECK(meter.calls() == 4);
  meter.restart();
  CHECK(meter.waits() == 0);
  CHECK(meter.calls() == 0);
}

}  // namespace
}  // namespace cairn::repo::ops
