#include "ops/posix/object_metadata.h"
#include "ops/posix/owner_names.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <gsl/assert>

#include "catch2.h"
#include "outcome.h"
#include "source_walked.h"
#include "temp_folder.h"
#include "tree_spec.h"

namespace cairn::repo::ops {
namespace {

namespace tree = test::tree;
using Lines = std::vector<std::string>;

/// What the source has of a file: the walk's item, then the attributes of the open file.
struct ReadEntry {
  Entry entry;
  std::vector<Problem> problems;
};

ReadEntry read_entry(const std::string& path) {
  ProblemLines problems(path);
  const auto walk = SourceWalk::open(path, problems);
  REQUIRE(test::outcome(walk) == "ok");
  const auto step = (*walk)->next();
  REQUIRE(step.has_value());
  const WalkItem& item = *item_of(**step);
  ReadEntry read;
  read.entry = item.entry;
  core::Result<SourceFile> file = SourceFile::open(item);
  REQUIRE(test::outcome(file) == "ok");
  REQUIRE(test::outcome(file->read_metadata(read.entry, path, read.problems)) == "ok");
  return read;
}

/// Attributes of this name space alone: a security module may add its own to any file.
std::vector<Xattr> of_namespace(const Entry& entry, std::string_view prefix) {
  std::vector<Xattr> found;
  std::copy_if(entry.xattrs.begin(), entry.xattrs.end(), std::back_inserter(found),
               [prefix](const Xattr& xattr) { return xattr.name.starts_with(prefix); });
  return found;
}

bool has_user_xattrs(const std::string& folder) {
  return ::setxattr(folder.c_str(), "user.probe", "", 0, 0) == 0 &&
         ::removexattr(folder.c_str(), "user.probe") == 0;
}

TEST_CASE("extended attributes of files and folders are read, sorted by name") {
  const test::TempFolder temp;
  if (!has_user_xattrs(temp.path())) {
    WARN("SKIPPED: this file system has no user attributes");
    return;
  }
  const std::string binary("\0\xff\n", 3);
  const std::string long_value(3000, 'v');  // more than is asked for at first
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "x")
                                            .with_xattr("user.z", binary)
                                            .with_xattr("user.a", "")
                                            .with_xattr("user.long", long_value),
                                        tree::folder("folder").with_xattr("user.f", "folder")}) ==
          Lines{});
  const ReadEntry file = read_entry(temp / "file");
  CHECK(of_namespace(file.entry, "user.") ==
        std::vector<Xattr>{{"user.a", ""}, {"user.long", long_value}, {"user.z", binary}});
  CHECK(std::is_sorted(file.entry.xattrs.begin(), file.entry.xattrs.end()));
  CHECK(file.problems.empty());
  const Walked walked = walk_all(temp.path());
  CHECK(of_namespace(walked.at("folder").entry, "user.") ==
        std::vector<Xattr>{{"user.f", "folder"}});
  CHECK(walked.at("file").entry.xattrs.empty());
  CHECK(walked.problems == Lines{});
}

TEST_CASE("a list of names longer than usual is read") {
  const test::TempFolder temp;
  test::TreeObject file = tree::text_file("file", "x");
  for (int i = 0; i < 40; ++i) {
    file = file.with_xattr(fmt::format("user.a rather long name for one {:02}", i), "");
  }
  if (!test::make_tree(temp.path(), {file}).empty()) {
    WARN("SKIPPED: this file system has no room for 40 attributes");
    return;
  }
  CHECK(of_namespace(read_entry(temp / "file").entry, "user.").size() == 40);
}

TEST_CASE("extended attributes of links, FIFOs and devices are read without opening them") {
  const test::TempFolder temp;
  const auto failures = test::make_tree(
      temp.path(),
      {tree::symlink("link", "nowhere").with_xattr("trusted.cairn", "link"),
       tree::fifo("fifo").with_xattr("trusted.cairn", "fifo"),
       tree::socket("socket").with_xattr("trusted.cairn", "socket"),
       tree::char_device("null", {.major = 1, .minor = 3}).with_xattr("trusted.cairn", "device")});
  if (!failures.empty()) {
    WARN("SKIPPED: trusted attributes need root: " << failures.front());
    return;
  }
  const Walked walked = walk_all(temp.path());
  const auto value = [&](const std::string& name) {
    return of_namespace(walked.at(name).entry, "trusted.");
  };
  CHECK(value("link") == std::vector<Xattr>{{"trusted.cairn", "link"}});
  CHECK(value("fifo") == std::vector<Xattr>{{"trusted.cairn", "fifo"}});
  CHECK(value("socket") == std::vector<Xattr>{{"trusted.cairn", "socket"}});
  CHECK(value("null") == std::vector<Xattr>{{"trusted.cairn", "device"}});
  CHECK(walked.problems == Lines{});
}

TEST_CASE("access control lists are kept as the attributes they are") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "x"), tree::folder("folder")}) ==
          Lines{});
  const std::string command = fmt::format(
      "setfacl -m u:4242:r '{0}/file' 2>/dev/null && "
      "setfacl -m d:u:4242:rx '{0}/folder' 2>/dev/null",
      temp.path());
  if (std::system(command.c_str()) != 0) {
    WARN("SKIPPED: no setfacl, or a file system without access control lists");
    return;
  }
  const ReadEntry file = read_entry(temp / "file");
  const auto acls = of_namespace(file.entry, "system.posix_acl_");
  REQUIRE(acls.size() == 1);
  CHECK(acls.front().name == "system.posix_acl_access");
  // Version 2, little-endian; then 8 bytes an entry: owner, user 4242, group, mask, others.
  CHECK(acls.front().value.size() == 4 + 5 * 8);
  const auto folder_acls = of_namespace(walk_all(temp / "folder").items.front().entry, "system.");
  REQUIRE(folder_acls.size() == 1);
  CHECK(folder_acls.front().name == "system.posix_acl_default");
}

TEST_CASE("attributes beyond the limits of the format are left out and reported") {
  // Only few file systems take so many; tmpfs is one of them since Linux 6.6.
  const std::string folder = "/dev/shm";
  std::string path = folder + "/cairn-test-XXXXXX";
  const int file = ::mkstemp(path.data());
  if (file < 0) {
    WARN("SKIPPED: no " << folder);
    return;
  }
  const std::string large(60 * 1024, 'x');
  bool too_many_names = true;
  bool set = true;
  SECTION("too many names") {
    for (std::size_t i = 0; set && i < kXattrCountMax + 3; ++i) {
      set = ::fsetxattr(file, fmt::format("user.{:05}", i).c_str(), "x", 1, 0) == 0;
    }
  }
  SECTION("too many bytes") {
    too_many_names = false;
    for (std::size_t i = 0; set && i < 40; ++i) {
      set = ::fsetxattr(file, fmt::format("user.{:05}", i).c_str(), large.data(), large.size(),
                        0) == 0;
    }
  }
  if (set) {
    const ReadEntry read = read_entry(path);
    // 34 values of 60 KiB and their names fit into 2 MiB.
    CHECK(of_namespace(read.entry, "user.").size() == (too_many_names ? kXattrCountMax : 34));
    REQUIRE(read.problems.size() == 1);
    CHECK(read.problems.front().kind == ProblemKind::incomplete_metadata);
    CHECK(read.problems.front().path == path);
    CHECK(read.problems.front().reason ==
          fmt::format("too many extended attributes: left out user.{:05} and what follows",
                      too_many_names ? kXattrCountMax : 34));
  } else {
    WARN("SKIPPED: " << folder << " does not take that many attributes");
  }
  ::close(file);
  ::unlink(path.c_str());
}

TEST_CASE("inode flags of files and folders are read") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "x"), tree::folder("folder"),
                                        tree::text_file("plain", "x")}) == Lines{});
  const auto set_flags = [](const std::string& path, int wanted) {
    const int object = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    int flags = 0;
    const bool set = ::ioctl(object, FS_IOC_GETFLAGS, &flags) == 0 &&
                     ::ioctl(object, FS_IOC_SETFLAGS, &(flags |= wanted)) == 0;
    ::close(object);
    return set;
  };
  if (!set_flags(temp / "file", FS_NODUMP_FL | FS_NOATIME_FL) ||
      !set_flags(temp / "folder", FS_NODUMP_FL)) {
    WARN("SKIPPED: this file system has no inode flags");
    return;
  }
  const auto bit = [](InodeFlag flag) { return 1U << static_cast<unsigned>(flag); };
  CHECK(read_entry(temp / "file").entry.inode_flags ==
        (bit(InodeFlag::no_dump) | bit(InodeFlag::no_atime)));
  CHECK(read_entry(temp / "plain").entry.inode_flags == 0);
  CHECK(walk_all(temp.path()).at("folder").entry.inode_flags == bit(InodeFlag::no_dump));
}

TEST_CASE("the open file's metadata win over what the walk saw") {
  const test::TempFolder temp;
  const core::Timestamp later{1'700'000'000, 1};
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "x").with_mode(0644)}) == Lines{});
  ProblemLines problems(temp.path());
  const auto walk = SourceWalk::open(temp / "file", problems);
  REQUIRE(walk.has_value());
  const auto step = (*walk)->next();
  REQUIRE(step.has_value());
  const WalkItem& item = *item_of(**step);
  Entry entry = item.entry;
  const Owner owner_seen = entry.owner;

  REQUIRE(::chmod((temp / "file").c_str(), 0600) == 0);
  const ::timespec times[2] = {{later.seconds, 1}, {later.seconds, 1}};
  REQUIRE(::utimensat(AT_FDCWD, (temp / "file").c_str(), times, 0) == 0);
  const bool given_away = ::chown((temp / "file").c_str(), 4'000'000'000, 4'000'000'000) == 0;
  core::Result<SourceFile> file = SourceFile::open(item);
  REQUIRE(test::outcome(file) == "ok");
  std::vector<Problem> metadata_problems;
  REQUIRE(test::outcome(file->read_metadata(entry, temp / "file", metadata_problems)) == "ok");
  CHECK(entry.mode == 0600);
  CHECK(entry.mtime == later);
  const Owner nameless{.uid = 4'000'000'000, .gid = 4'000'000'000, .user = "", .group = ""};
  CHECK(entry.owner == (given_away ? nameless : owner_seen));
  CHECK(metadata_problems.empty());
}

TEST_CASE("owner names are those of the system, or none") {
  OwnerNames names;
  Owner root{.uid = 0, .gid = 0, .user = {}, .group = {}};
  names.fill(root);
  CHECK(root.user == "root");
  CHECK(root.group == "root");
  Owner nobody{.uid = 4'000'000'000, .gid = 4'000'000'000, .user = "old", .group = "old"};
  names.fill(nobody);
  CHECK(nobody.user.empty());
  CHECK(nobody.group.empty());
  Owner again{.uid = 0, .gid = 4'000'000'000, .user = {}, .group = {}};
  names.fill(again);
  CHECK(again.user == "root");
  CHECK(again.group.empty());
}

TEST_CASE("reasons are in lower case and say nothing but the reason") {
  CHECK(reason_of(EACCES) == "permission denied");
  CHECK(reason_of(ENOENT) == "no such file or directory");
}

TEST_CASE("times of a file system that counts wrong are still valid") {
  ::statx_timestamp time{};
  time.tv_sec = -5;
  time.tv_nsec = 4'000'000'000;
  CHECK(to_timestamp(time) == core::Timestamp{-5, 999'999'999});
}

}  // namespace
}  // namespace cairn::repo::ops
