#include "tree_spec.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "catch2.h"
#include "temp_folder.h"

namespace cairn::test {
namespace {

using Lines = std::vector<std::string>;

constexpr core::Timestamp kThen{1'500'000'000, 42};

std::vector<TreeObject> usual_tree() {
  return {tree::folder("folder").with_mode(0700).with_mtime(kThen),
          tree::file("folder/file", 300'000, 7).with_mtime(kThen),
          tree::hard_link("folder/second name", "folder/file"),
          tree::sparse_file("folder/sparse", 1 << 20, {{65536, 65536}}).with_mtime(kThen),
          tree::symlink("link", "folder/file").with_mtime(kThen),
          tree::fifo("fifo").with_mtime(kThen),
          tree::text_file("text", "text").with_mode(0600).with_mtime(kThen)};
}

/// Two trees of the same list, but for what a test changes.
struct Pair {
  TempFolder a;
  TempFolder b;

  [[nodiscard]] Lines differences(TreeAspects aspects = {}) const {
    for (const TempFolder* folder : {&a, &b}) {
      const ::timespec times[2] = {{1, 0}, {1, 0}};
      ::utimensat(AT_FDCWD, folder->path().c_str(), times, 0);
    }
    return compare_trees(a.path(), b.path(), aspects);
  }
};

TEST_CASE("trees of the same list are equal in every aspect") {
  const Pair pair;
  REQUIRE(make_tree(pair.a.path(), usual_tree()) == Lines{});
  REQUIRE(make_tree(pair.b.path(), usual_tree()) == Lines{});
  CHECK(pair.differences({.holes = true, .inode_flags = true}) == Lines{});
  CHECK(std::filesystem::file_size(pair.a / "folder/file") == 300'000);
  CHECK(std::filesystem::hard_link_count(pair.a / "folder/file") == 2);
  struct ::stat status {};
  REQUIRE(::stat((pair.a / "folder").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  CHECK(status.st_mtim.tv_sec == kThen.seconds);
  CHECK(status.st_mtim.tv_nsec == kThen.nanoseconds);
}

TEST_CASE("each difference between two trees is told") {
  const Pair pair;
  auto objects = usual_tree();
  REQUIRE(make_tree(pair.a.path(), objects) == Lines{});
  const auto changed = [&](std::size_t index, const TreeObject& object, TreeAspects aspects = {}) {
    objects[index] = object;
    REQUIRE(make_tree(pair.b.path(), objects) == Lines{});
    return pair.differences(aspects);
  };
  SECTION("the mode of a folder") {
    CHECK(changed(0, objects[0].with_mode(0755)) == Lines{"folder: mode 700 != 755"});
  }
  SECTION("one nanosecond of a folder's time") {
    CHECK(changed(0, objects[0].with_mtime({1'500'000'000, 43})) ==
          Lines{"folder: mtime 1500000000.000000042 != 1500000000.000000043"});
  }
  SECTION("content") {
    objects.erase(objects.begin() + 2);
    CHECK(changed(1, tree::file("folder/file", 300'000, 8).with_mtime(kThen)).front() ==
          "folder/file: content differs from byte 0 on");
  }
  SECTION("the length of a file") {
    CHECK(changed(6, tree::text_file("text", "text.").with_mode(0600).with_mtime(kThen)) ==
          Lines{"text: content differs from byte 4 on"});
  }
  SECTION("a copy in place of a hard link") {
    CHECK(changed(2, tree::file("folder/second name", 300'000, 7).with_mtime(kThen)) ==
          Lines{"folder/second name: shares an object with folder/file != folder/second name"});
  }
  SECTION("written zeros in place of a hole") {
    const TreeObject same_bytes = tree::sparse_file("folder/sparse", 1 << 20, {{65536, 131072}});
    const Lines lines = changed(3, same_bytes.with_mtime(kThen), {.holes = true});
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "folder/sparse: content differs from byte 131072 on");
    CHECK(lines[1] == "folder/sparse: data runs 65536+65536  != 65536+131072 ");
  }
  SECTION("a link's target and time") {
    CHECK(changed(4, tree::symlink("link", "folder").with_mtime({0, 0})) ==
          Lines{"link: target folder/file != folder",
                "link: mtime 1500000000.000000042 != 0.000000000"});
  }
  SECTION("a type") {
    CHECK(changed(5, tree::text_file("fifo", "").with_mtime(kThen)) ==
          Lines{"fifo: type 10000 != 100000"});
  }
  SECTION("an attribute") {
    const Lines lines = changed(6, objects[6].with_xattr("user.cairn", "1"));
    CHECK(lines == Lines{"text: xattr user.cairn (none) != 1"});
  }
  SECTION("a missing and a further name") {
    TreeObject renamed = objects[6];
    renamed.path = "text 2";
    CHECK(changed(6, renamed) ==
          Lines{"text: only in the first tree", "text 2: only in the second tree"});
  }
}

TEST_CASE("a difference of owner or device number is told") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: needs root");
    return;
  }
  const Pair pair;
  REQUIRE(make_tree(pair.a.path(), {tree::char_device("device", {.major = 1, .minor = 3}),
                                    tree::text_file("file", "").with_mtime(kThen)}) == Lines{});
  REQUIRE(make_tree(pair.b.path(),
                    {tree::char_device("device", {.major = 1, .minor = 5}),
                     tree::text_file("file", "").with_owner(1, 2).with_mtime(kThen)}) == Lines{});
  CHECK(pair.differences({.mtimes = false}) ==
        Lines{"device: device 103 != 105", "file: owner 0:0 != 1:2"});
}

TEST_CASE("what cannot be made is told") {
  const TempFolder temp;
  const Lines failures = make_tree(
      temp.path(), {tree::text_file("a", ""), tree::text_file("a", ""),
                    tree::hard_link("b", "nothing"), tree::folder("c").with_xattr("odd.x", "")});
  REQUIRE(failures.size() == 3);
  CHECK(failures[0] == "a: make: File exists");
  CHECK(failures[1] == "b: make: No such file or directory");
  CHECK(failures[2].starts_with("c: set attributes: "));
}

}  // namespace
}  // namespace cairn::test
