#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "catch2.h"
#include "child_process.h"
#include "outcome.h"
#include "source_walked.h"
#include "temp_folder.h"
#include "tree_spec.h"

namespace cairn::repo::ops {
namespace {

namespace tree = test::tree;
using Lines = std::vector<std::string>;

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

TEST_CASE("a walk goes depth first and takes names in the order of their bytes") {
  const test::TempFolder temp;
  const std::string long_name(255, 'n');
  REQUIRE(test::make_tree(temp.path(),
                          {tree::folder("b"), tree::text_file("b/2", "x"), tree::folder("b/1"),
                           tree::text_file("b/1/deep", ""), tree::text_file("b.txt", "x"),
                           tree::text_file("B", "x"), tree::text_file("a b", "x"),
                           tree::text_file("line\nfeed", "x"), tree::text_file("\xff\xfe", "x"),
                           tree::text_file("\xc3\xa4", "x"), tree::text_file("same prefix 1", "x"),
                           tree::text_file("same prefix", "x"), tree::text_file("same pre", "x"),
                           tree::text_file(long_name, "x"), tree::folder("empty")}) == Lines{});
  const Walked walked = walk_all(temp.path());
  CHECK(walked.steps ==
        Lines{"+.",         "B",       "a b",      "+b",          "+b/1",          "b/1/deep",
              "-",          "b/2",     "-",        "b.txt",       "+empty",        "-",
              "line\nfeed", long_name, "same pre", "same prefix", "same prefix 1", "\xc3\xa4",
              "\xff\xfe",   "-"});
  CHECK(walked.problems == Lines{});
  CHECK(walked.error.empty());
}

TEST_CASE("a walk records every type of object") {
  const test::TempFolder temp;
  const std::string odd_target = "no/\xff\nwhere";
  REQUIRE(test::make_tree(temp.path(),
                          {tree::fifo("fifo"), tree::file("file", 12345), tree::folder("folder"),
                           tree::socket("socket"), tree::symlink("link", odd_target),
                           tree::symlink("link to folder", "folder")}) == Lines{});
  const Walked walked = walk_all(temp.path());
  CHECK(walked.steps ==
        Lines{"+.", "fifo", "file", "+folder", "-", "link", "link to folder", "socket", "-"});
  CHECK(walked.at(".").entry.type == EntryType::folder);
  CHECK(walked.at(".").entry.name.empty());
  CHECK(walked.at("fifo").entry.type == EntryType::fifo);
  CHECK(walked.at("file").entry.type == EntryType::file);
  CHECK(walked.at("file").size_bytes == 12345);
  CHECK(walked.at("file").entry.name == "file");
  CHECK(walked.at("file").file_name == "file");
  CHECK(walked.at("file").path == temp / "file");
  CHECK(walked.at("folder").entry.type == EntryType::folder);
  CHECK(walked.at("socket").entry.type == EntryType::socket);
  CHECK(walked.at("link").entry.type == EntryType::symlink);
  CHECK(walked.at("link").entry.link_target == odd_target);
  CHECK(walked.at("link to folder").entry.link_target == "folder");
  CHECK(walked.problems == Lines{});
}

TEST_CASE("a walk records device numbers") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: making devices needs root");
    return;
  }
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::char_device("char", {.major = 1, .minor = 3}),
                                        tree::block_device("block", {.major = 259, .minor = 70000}),
                                        tree::text_file("none", "")}) == Lines{});
  const Walked walked = walk_all(temp.path());
  CHECK(walked.at("char").entry.type == EntryType::char_device);
  CHECK(walked.at("char").entry.device == DeviceNumber{.major = 1, .minor = 3});
  CHECK(walked.at("block").entry.type == EntryType::block_device);
  CHECK(walked.at("block").entry.device == DeviceNumber{.major = 259, .minor = 70000});
  CHECK(walked.at("none").entry.device == DeviceNumber{});
}

TEST_CASE("a walk records what stat says") {
  const test::TempFolder temp;
  const core::Timestamp before_1970{-12'345'678, 999'999'999};
  const core::Timestamp after{1'600'000'000, 123'456'789};
  REQUIRE(test::make_tree(temp.path(),
                          {tree::folder("folder").with_mode(01777).with_mtime(after),
                           tree::text_file("file", "x").with_mode(04751).with_mtime(before_1970),
                           tree::text_file("closed", "x").with_mode(0),
                           tree::symlink("link", "file").with_mtime(after),
                           tree::hard_link("other name", "file")}) == Lines{});
  const Walked walked = walk_all(temp.path());
  CHECK(walked.at("folder").entry.mode == 01777);
  CHECK(walked.at("folder").entry.mtime == after);
  CHECK(walked.at("file").entry.mode == 04751);
  CHECK(walked.at("file").entry.mtime == before_1970);
  CHECK(walked.at("closed").entry.mode == 0);
  CHECK(walked.at("link").entry.mtime == after);
  CHECK(walked.at("file").link_count == 2);
  CHECK(walked.at("closed").link_count == 1);
  CHECK(walked.at("file").inode == walked.at("other name").inode);
  CHECK(walked.at("file").inode != walked.at("closed").inode);
  CHECK(walked.at("file").inode.device == walked.at("folder").inode.device);

  struct ::stat status {};
  REQUIRE(::lstat((temp / "file").c_str(), &status) == 0);
  CHECK(walked.at("file").inode.inode == status.st_ino);
  CHECK(walked.at("file").ctime ==
        core::Timestamp{status.st_ctim.tv_sec, static_cast<std::uint32_t>(status.st_ctim.tv_nsec)});
  if (const auto birth = walked.at("file").birth_time; birth.has_value()) {
    CHECK(birth > after);
    CHECK(birth <= walked.at("file").ctime);
  } else {
    WARN("SKIPPED in part: this file system has no birth times");
  }
  CHECK(walked.problems == Lines{});
}

TEST_CASE("a walk records owners by number and name") {
  const test::TempFolder temp;
  const std::string path = temp / "file";
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "x")}) == Lines{});
  const ::passwd* const user = ::getpwuid(::geteuid());
  const std::string user_name = user != nullptr ? user->pw_name : "";
  const Walked walked = walk_all(temp.path());
  CHECK(walked.at("file").entry.owner.uid == ::geteuid());
  CHECK(walked.at("file").entry.owner.user == user_name);

  if (::geteuid() != 0) {
    WARN("SKIPPED in part: giving files away needs root");
    return;
  }
  REQUIRE(::chown(path.c_str(), 4'000'000'000, 4'000'000'001) == 0);
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("mixed", "x").with_owner(0, 65534)}) ==
          Lines{});
  const Walked changed = walk_all(temp.path());
  const Owner nameless{.uid = 4'000'000'000, .gid = 4'000'000'001, .user = "", .group = ""};
  CHECK(changed.at("file").entry.owner == nameless);
  const ::group* const group = ::getgrgid(65534);
  CHECK(changed.at("mixed").entry.owner.user == user_name);
  CHECK(changed.at("mixed").entry.owner.group == (group != nullptr ? group->gr_name : ""));
}

TEST_CASE("a source may be an object of any type") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(),
                          {tree::text_file("file", "12345"), tree::fifo("fifo"),
                           tree::folder("place/folder"), tree::text_file("place/folder/in", ""),
                           tree::symlink("link", "place"), tree::symlink("dangling", "nowhere")}) ==
          Lines{});
  const Walked file = walk_all(temp / "file");
  CHECK(file.steps == Lines{"."});
  CHECK(file.items.front().size_bytes == 5);
  CHECK(file.items.front().entry.name.empty());
  CHECK(file.items.front().file_name == "file");
  CHECK(walk_all(temp / "fifo").items.front().entry.type == EntryType::fifo);

  // A link is a source of its own; links above the source are followed.
  const Walked link = walk_all(temp / "link");
  CHECK(link.steps == Lines{"."});
  CHECK(link.items.front().entry.link_target == "place");
  CHECK(walk_all(temp / "dangling").items.front().entry.link_target == "nowhere");
  const Walked through = walk_all(temp / "link/folder");
  CHECK(through.steps == Lines{"+.", "in", "-"});
  CHECK(through.items.back().path == temp / "link/folder/in");
}

TEST_CASE("a slash at the end of a source's path is left out") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("in", "")}) == Lines{});
  const Walked walked = walk_all(temp.path() + "//");
  REQUIRE(walked.items.size() == 2);
  CHECK(walked.items.front().path == temp.path());
  CHECK(walked.items.back().path == temp / "in");
}

TEST_CASE("the root folder is a source") {
  ProblemLines problems("/");
  const auto walk = SourceWalk::open("/", problems);
  REQUIRE(test::outcome(walk) == "ok");
  const auto root = (*walk)->next();
  REQUIRE(root.has_value());
  REQUIRE(root->has_value());
  const auto* const folder = std::get_if<EnteredFolder>(&**root);
  REQUIRE(folder != nullptr);
  const WalkItem& item = folder->item;
  CHECK(item.path == "/");
  CHECK(item.entry.name.empty());
  struct ::stat status {};
  REQUIRE(::fstatat(item.folder->descriptor(), item.file_name.c_str(), &status, 0) == 0);
  CHECK(item.inode.inode == status.st_ino);
  const auto first = (*walk)->next();
  REQUIRE(first.has_value());
  REQUIRE(first->has_value());
  const WalkItem* const below = item_of(**first);
  REQUIRE(below != nullptr);
  CHECK(below->path == "/" + below->entry.name);
}

TEST_CASE("a source that is not there, or not ours to see, is an error") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "")}) == Lines{});
  ProblemLines problems(temp.path());
  CHECK(test::outcome(SourceWalk::open(temp / "none", problems)) == "not_found");
  CHECK(test::outcome(SourceWalk::open(temp / "none/below", problems)) == "not_found");
  CHECK(test::outcome(SourceWalk::open(temp / "file/below", problems)) == "io");
  CHECK(test::message_of(SourceWalk::open(temp / "none", problems)).find(temp / "none") !=
        std::string::npos);
  CHECK(problems.lines() == Lines{});

  REQUIRE(test::make_tree(temp.path(), {tree::folder("closed").with_mode(0),
                                        tree::folder("outer/closed").with_mode(0)}) == Lines{});
  std::filesystem::permissions(temp.path(), std::filesystem::perms(0755));
  CHECK(test::run_as_ordinary_user([&] {
          ProblemLines unused(temp.path());
          return test::outcome(SourceWalk::open(temp / "closed/file", unused));
        }) == "permission_denied");
  // It can be described, though not listed.
  CHECK(test::run_as_ordinary_user([&] {
          const Walked walked = walk_all(temp / "closed");
          return joined(walked.steps) + joined(walked.problems);
        }) == "+.\n-\nunreadable .: list folder: permission denied\n");
}

TEST_CASE("an ordinary user's walk goes on behind what is closed to it") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(),
                          {tree::folder("closed").with_mode(0), tree::text_file("closed/in", "x"),
                           tree::text_file("file", "x").with_mode(0), tree::text_file("z", ""),
                           tree::folder("names only").with_mode(0744),
                           tree::text_file("names only/in", "x")}) == Lines{});
  std::filesystem::permissions(temp.path(), std::filesystem::perms(0755));
  if (::geteuid() != 0) {
    WARN("SKIPPED: nothing of our own is closed enough to us");
    return;
  }
  CHECK(test::run_as_ordinary_user([&] {
          const Walked walked = walk_all(temp.path());
          return joined(walked.steps) + joined(walked.problems);
        }) ==
        "+.\n+closed\n-\nfile\n+names only\n-\nz\n-\n"
        "unreadable closed: list folder: permission denied\n"
        "unreadable names only/in: permission denied\n");
  // Root reads all of it.
  CHECK(walk_all(temp.path()).steps == Lines{"+.", "+closed", "closed/in", "-", "file",
                                             "+names only", "names only/in", "-", "z", "-"});
}

TEST_CASE("a folder of more names than one call lists comes sorted and complete") {
  // Long names fill the buffer of one call with few objects.
  constexpr int kNames = 1500;
  const test::TempFolder temp;
  Lines expected{"+."};
  for (int i = 0; i < kNames; ++i) {
    // 7919 and the count have no common divisor: every number once, in no order.
    const std::string name = std::string(240, 'n') + fmt::format("{:05}", i * 7919 % kNames);
    REQUIRE(::mknod((temp / name).c_str(), S_IFREG | 0600, 0) == 0);
    expected.push_back(name);
  }
  std::sort(expected.begin() + 1, expected.end());
  expected.emplace_back("-");
  CHECK(walk_all(temp.path()).steps == expected);
}

TEST_CASE("a walk passes mount points") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::folder("mounted"), tree::text_file("z", "")}) ==
          Lines{});
  const std::string answer = test::run_in_child([&]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", (temp / "mounted").c_str(), "tmpfs", 0, nullptr) != 0) {
      return "cannot mount";
    }
    if (!test::make_tree(temp.path(), {tree::text_file("mounted/inside", "x")}).empty()) {
      return "cannot write";
    }
    const Walked walked = walk_all(temp.path());
    const bool other_device =
        walked.at("mounted").inode.device != walked.at(".").inode.device &&
        walked.at("mounted").inode.device == walked.at("mounted/inside").inode.device;
    return joined(walked.steps) + joined(walked.problems) + (other_device ? "other" : "same");
  });
  if (answer == "cannot mount") {
    WARN("SKIPPED: mounting needs root");
    return;
  }
  CHECK(answer == "+.\n+mounted\nmounted/inside\n-\nz\n-\nother");
}

TEST_CASE("two walks of an unchanged tree give the same entries") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::file("a/file", 100), tree::symlink("a/link", "file"),
                                        tree::fifo("b/fifo")}) == Lines{});
  const Walked first = walk_all(temp.path());
  const Walked second = walk_all(temp.path());
  REQUIRE(first.items.size() == second.items.size());
  for (std::size_t i = 0; i < first.items.size(); ++i) {
    CHECK(first.items[i].entry == second.items[i].entry);
  }
}

}  // namespace
}  // namespace cairn::repo::ops
