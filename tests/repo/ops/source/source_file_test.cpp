#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <gsl/assert>

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

/// A file and what a walk has seen of it, with its folder open.
class SeenFile {
 public:
  explicit SeenFile(test::TreeObject object) : problems_(temp_.path()) {
    object.path = "file";
    Ensures(test::make_tree(temp_.path(), {object}).empty());
    auto walk = SourceWalk::open(temp_.path(), problems_);
    Ensures(walk.has_value());
    item_ = *walk_until(**walk, temp_.path(), "file");
  }

  [[nodiscard]] const test::TempFolder& temp() const { return temp_; }
  [[nodiscard]] std::string path() const { return temp_ / "file"; }
  [[nodiscard]] const WalkItem& item() const { return item_; }
  void replace_by(test::TreeObject object) const {
    // Kept, so that the new object cannot get the inode of the old one.
    std::filesystem::rename(path(), temp_ / "old");
    object.path = "file";
    Ensures(test::make_tree(temp_.path(), {object}).empty());
  }
  void set_mtime(core::Timestamp time) const {
    const ::timespec value{time.seconds, static_cast<long>(time.nanoseconds)};
    const std::array<::timespec, 2> times{value, value};
    Ensures(::utimensat(AT_FDCWD, path().c_str(), times.data(), 0) == 0);
  }
  void append(std::string_view text) const {
    std::ofstream(path(), std::ios::binary | std::ios::app) << text;
  }

 private:
  test::TempFolder temp_;
  ProblemLines problems_;
  WalkItem item_;
};

SourceFile opened(const SeenFile& seen) {
  core::Result<SourceFile> file = SourceFile::open(seen.item());
  REQUIRE(test::outcome(file) == "ok");
  return *std::move(file);
}

std::string read_text(SourceFile& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  const auto got = file.read_at(offset, std::as_writable_bytes(std::span(text)));
  REQUIRE(test::outcome(got) == "ok");
  text.resize(*got);
  return text;
}

/// "data 0+4096", "hole 4096+4096", ...
Lines extents_of(SourceFile& file) {
  Lines lines;
  std::uint64_t offset = 0;
  while (true) {
    const auto extent = file.next_extent(offset);
    REQUIRE(test::outcome(extent) == "ok");
    if (!extent->has_value()) {
      return lines;
    }
    lines.push_back(fmt::format("{} {}+{}", (*extent)->is_hole ? "hole" : "data", (*extent)->offset,
                                (*extent)->length_bytes));
    offset += (*extent)->length_bytes;
  }
}

TEST_CASE("a file is read at any offset, and no further than its end") {
  const SeenFile seen(tree::text_file("", "0123456789"));
  SourceFile file = opened(seen);
  CHECK(file.size_bytes() == 10);
  CHECK(read_text(file, 0, 10) == "0123456789");
  CHECK(read_text(file, 3, 4) == "3456");
  CHECK(read_text(file, 8, 100) == "89");
  CHECK(read_text(file, 10, 100).empty());
  CHECK(read_text(file, 1'000'000, 100).empty());
  CHECK(read_text(file, 0, 0).empty());
  CHECK(extents_of(file) == Lines{"data 0+10"});
  CHECK(file.has_changed() == false);
}

TEST_CASE("an empty file has no extents") {
  const SeenFile seen(tree::text_file("", ""));
  SourceFile file = opened(seen);
  CHECK(file.size_bytes() == 0);
  CHECK(extents_of(file) == Lines{});
  CHECK(read_text(file, 0, 100).empty());
}

TEST_CASE("a source file can be moved") {
  const SeenFile first(tree::text_file("", "first"));
  SourceFile file = opened(first);
  SourceFile moved = std::move(file);
  CHECK(read_text(moved, 0, 100) == "first");
  CHECK(moved.size_bytes() == 5);
}

TEST_CASE("the source itself may be the file") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "text")}) == Lines{});
  ProblemLines problems(temp.path());
  const auto walk = SourceWalk::open(temp / "file", problems);
  REQUIRE(walk.has_value());
  const auto step = (*walk)->next();
  REQUIRE(step.has_value());
  core::Result<SourceFile> file = SourceFile::open(*item_of(**step));
  REQUIRE(test::outcome(file) == "ok");
  CHECK(read_text(*file, 0, 100) == "text");
}

TEST_CASE("holes are found where the file system has them") {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  const SeenFile seen(tree::sparse_file("", 8 * kMiB, {{kMiB, kMiB}, {4 * kMiB, 2 * kMiB}}));
  struct ::stat status {};
  REQUIRE(::stat(seen.path().c_str(), &status) == 0);
  if (static_cast<std::uint64_t>(status.st_blocks) * 512 > 4 * kMiB) {
    WARN("SKIPPED: this file system has no holes");
    return;
  }
  SourceFile file = opened(seen);
  CHECK(extents_of(file) == Lines{"hole 0+1048576", "data 1048576+1048576", "hole 2097152+2097152",
                                  "data 4194304+2097152", "hole 6291456+2097152"});
  // From the middle of a run, its rest.
  const auto rest = file.next_extent(kMiB + 100);
  REQUIRE(rest.has_value());
  REQUIRE(rest->has_value());
  CHECK((*rest)->offset == kMiB + 100);
  CHECK((*rest)->length_bytes == kMiB - 100);
  CHECK_FALSE((*rest)->is_hole);
  CHECK(read_text(file, 0, 100) == std::string(100, '\0'));
}

TEST_CASE("a file of nothing but a hole is one hole") {
  const SeenFile seen(tree::sparse_file("", 123'456'789, {}));
  SourceFile file = opened(seen);
  CHECK(extents_of(file) == Lines{"hole 0+123456789"});
}

TEST_CASE("a file that vanished after the walk saw it is not found") {
  const SeenFile seen(tree::text_file("", "x"));
  std::filesystem::remove(seen.path());
  const auto file = SourceFile::open(seen.item());
  CHECK(test::outcome(file) == "not_found");
  CHECK(test::message_of(file) == "open file: no such file or directory");
}

TEST_CASE("another object under the file's name is neither followed, nor waited for, nor read") {
  const SeenFile seen(tree::text_file("", "the file"));
  SECTION("a link to the file itself") { seen.replace_by(tree::symlink("", "old")); }
  SECTION("a link to nothing") { seen.replace_by(tree::symlink("", "nowhere")); }
  SECTION("a FIFO without a writer") { seen.replace_by(tree::fifo("")); }
  SECTION("a socket") { seen.replace_by(tree::socket("")); }
  SECTION("a folder") { seen.replace_by(tree::folder("")); }
  CHECK(test::outcome(SourceFile::open(seen.item())) == "changed");
}

TEST_CASE("another file under the file's name is opened and told from the first") {
  const SeenFile seen(tree::text_file("", "the file"));
  CHECK(opened(seen).is(seen.item()));
  seen.replace_by(tree::text_file("", "another one"));
  SourceFile file = opened(seen);
  CHECK_FALSE(file.is(seen.item()));
  CHECK(read_text(file, 0, 100) == "another one");
  WalkItem item = seen.item();
  item.stamp = 1;
  item.fate = Fate::as_recorded;
  item.recorded_index = 1;
  file.describe(item);
  CHECK(file.is(item));
  CHECK(item.size_bytes == 11);
  CHECK(item.stamp == kNoStamp);
  CHECK(item.fate == Fate::read_again);
}

TEST_CASE("numbers that a file system gives away again do not make two objects one") {
  ObjectMark old;
  old.inode = {1, 2};
  old.birth_time = core::Timestamp{5, 0};
  ObjectMark other = old;
  CHECK(old.is_same(other));
  other.mtime = {9, 9};  // written to meanwhile
  other.size_bytes = 9;
  CHECK(old.is_same(other));
  other.birth_time = core::Timestamp{6, 0};
  CHECK_FALSE(old.is_same(other));
  other.birth_time.reset();
  CHECK_FALSE(old.is_same(other));  // without birth times: size and time have to be the same
  other.mtime = old.mtime;
  other.size_bytes = old.size_bytes;
  CHECK(old.is_same(other));
  other.type = EntryType::fifo;
  CHECK_FALSE(old.is_same(other));
}

TEST_CASE("the file is the same under a changed path above it") {
  const SeenFile seen(tree::text_file("", "text"));
  const test::TempFolder elsewhere;
  std::filesystem::rename(seen.temp().path(), elsewhere / "moved");
  SourceFile file = opened(seen);
  CHECK(read_text(file, 0, 100) == "text");
  std::filesystem::rename(elsewhere / "moved", seen.temp().path());
}

TEST_CASE("a file that an ordinary user may not read is refused to it") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("file", "x").with_mode(0)}) == Lines{});
  std::filesystem::permissions(temp.path(), std::filesystem::perms(0755));
  const auto open_as = [&] {
    ProblemLines problems(temp.path());
    const auto walk = SourceWalk::open(temp / "file", problems);
    const auto step = walk.has_value() ? (*walk)->next() : core::Result<std::optional<WalkStep>>();
    return step.has_value() && step->has_value() ? test::outcome(SourceFile::open(*item_of(**step)))
                                                 : std::string("not walked");
  };
  CHECK(test::run_as_ordinary_user(open_as) == "permission_denied");
  if (::geteuid() == 0) {
    CHECK(open_as() == "ok");
  }
}

TEST_CASE("an ordinary user reads files of others, though it may not spare their access time") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("folder/file", "x")}) == Lines{});
  std::filesystem::permissions(temp.path(), std::filesystem::perms(0755));
  CHECK(test::run_as_ordinary_user([&]() -> std::string {
          ProblemLines problems(temp.path());
          const auto walk = SourceWalk::open(temp.path(), problems);
          if (!walk.has_value()) {
            return "not walked";
          }
          const auto item = walk_until(**walk, temp.path(), "folder/file");
          return item.has_value() ? test::outcome(SourceFile::open(*item)) : "not seen";
        }) == "ok");
}

TEST_CASE("reading leaves the access times of files and folders alone") {
  const SeenFile seen(tree::text_file("", "x"));
  const core::Timestamp old{1'000'000'000, 0};  // older than a day: relatime would move it
  seen.set_mtime(old);
  const ::timespec times[2] = {{old.seconds, 0}, {old.seconds, 0}};
  REQUIRE(::utimensat(AT_FDCWD, seen.temp().path().c_str(), times, 0) == 0);
  CHECK(walk_all(seen.temp().path()).steps == Lines{"+.", "file", "-"});
  SourceFile file = opened(seen);
  CHECK(read_text(file, 0, 1) == "x");
  struct ::stat status {};
  REQUIRE(::stat(seen.path().c_str(), &status) == 0);
  CHECK(status.st_atim.tv_sec == old.seconds);
  REQUIRE(::stat(seen.temp().path().c_str(), &status) == 0);
  CHECK(status.st_atim.tv_sec == old.seconds);
}

TEST_CASE("a file that grows while it is read has changed, and can be read anew") {
  const SeenFile seen(tree::text_file("", "0123"));
  SourceFile file = opened(seen);
  seen.append("45");
  CHECK(file.has_changed() == true);
  CHECK(file.size_bytes() == 4);
  CHECK(extents_of(file) == Lines{"data 0+4"});
  REQUIRE(test::outcome(file.restart()) == "ok");
  CHECK(file.has_changed() == false);
  CHECK(file.size_bytes() == 6);
  CHECK(extents_of(file) == Lines{"data 0+6"});
  CHECK(read_text(file, 0, 100) == "012345");
}

TEST_CASE("a file that shrinks while it is read ends early and has changed") {
  const SeenFile seen(tree::text_file("", "0123456789"));
  SourceFile file = opened(seen);
  std::filesystem::resize_file(seen.path(), 3);
  CHECK(read_text(file, 0, 10) == "012");
  CHECK(file.has_changed() == true);
  REQUIRE(test::outcome(file.restart()) == "ok");
  CHECK(file.size_bytes() == 3);
}

TEST_CASE("a sparse file that shrinks while it is read still has an end") {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  const SeenFile seen(tree::sparse_file("", 4 * kMiB, {{0, kMiB}, {3 * kMiB, kMiB}}));
  SourceFile file = opened(seen);
  std::filesystem::resize_file(seen.path(), kMiB);
  CHECK(extents_of(file) == Lines{"data 0+1048576", "hole 1048576+3145728"});
  CHECK(file.has_changed() == true);
}

TEST_CASE("a file touched while it is read has changed, of whatever size it is") {
  const SeenFile seen(tree::text_file("", "0123").with_mtime({1'000'000'000, 0}));
  SourceFile file = opened(seen);
  CHECK(file.has_changed() == false);
  seen.set_mtime({1'000'000'000, 1});
  CHECK(file.has_changed() == true);
}

TEST_CASE("a change that puts the modification time back shows in the change time") {
  const core::Timestamp mtime{1'000'000'000, 0};
  const SeenFile seen(tree::text_file("", "0123").with_mtime(mtime));
  SourceFile file = opened(seen);
  struct ::stat before {};
  struct ::stat after {};
  REQUIRE(::stat(seen.path().c_str(), &before) == 0);
  // Older kernels count change times in ticks of some milliseconds.
  do {
    std::ofstream(seen.path(), std::ios::binary | std::ios::in) << "abcd";
    seen.set_mtime(mtime);
    REQUIRE(::stat(seen.path().c_str(), &after) == 0);
  } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
           after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
  CHECK(after.st_mtim.tv_sec == mtime.seconds);
  CHECK(file.has_changed() == true);
}

TEST_CASE("a removed file is read to its end") {
  const SeenFile seen(tree::text_file("", "0123"));
  SourceFile file = opened(seen);
  std::filesystem::remove(seen.path());
  CHECK(read_text(file, 0, 100) == "0123");
}

TEST_CASE("a file that somebody holds a lease on is waited for") {
  const SeenFile seen(tree::text_file("", "leased"));
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const ::pid_t holder = ::fork();
  REQUIRE(holder >= 0);
  if (holder == 0) {
    // Told by SIGIO that somebody wants to open the file, it lets go.
    ::sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGIO);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    const int file = ::open(seen.path().c_str(), O_RDWR | O_CLOEXEC);
    const bool held = file >= 0 && ::fcntl(file, F_SETLEASE, F_WRLCK) == 0;
    static_cast<void>(::write(ready[1], held ? "y" : "n", 1) == 1);
    int signal_number = 0;
    ::_exit(held && ::sigwait(&wanted, &signal_number) == 0 &&
                    ::fcntl(file, F_SETLEASE, F_UNLCK) == 0
                ? 0
                : 1);
  }
  char held = 'n';
  REQUIRE(::read(ready[0], &held, 1) == 1);
  if (held == 'y') {
    SourceFile file = opened(seen);
    CHECK(read_text(file, 0, 100) == "leased");
  } else {
    WARN("SKIPPED: this file system has no leases");
  }
  int status = 0;
  CHECK(::waitpid(holder, &status, 0) == holder);
  CHECK((held == 'n' || (WIFEXITED(status) && WEXITSTATUS(status) == 0)));
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace cairn::repo::ops
