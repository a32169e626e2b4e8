#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "catch2.h"
#include "inode_of.h"
#include "ops/incremental/source_stamp.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

// What --ignore-ctime and --ignore-inode pass over, and what not. Files are given other bytes of
// the same number and their old modification time: whether they are read again shows in the bytes
// of the next snapshot.

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr core::Timestamp kPast{1'000'000'000, 7};
constexpr core::Timestamp kFarAhead{4'102'444'800, 0};

struct Ignoring {
  bool ctime = false;
  bool inode = false;
};

struct OneFile {
  OneFile() {
    fixture.clock.set_now(kFarAhead);
    write("before");
    auto made = fixture.init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
  }

  [[nodiscard]] std::string path() const { return fixture.at("source/file"); }
  [[nodiscard]] struct ::stat status() const {
    struct ::stat found {};
    REQUIRE(::lstat(path().c_str(), &found) == 0);
    return found;
  }
  void write(std::string_view text) const {
    REQUIRE(
        make_tree(fixture.at("source"),
                  {tree::text_file("file", std::string(text)).with_mtime(kPast).with_mode(0644)}) ==
        std::vector<std::string>());
  }
  /// Only the change time tells. It is counted in ticks of some milliseconds.
  void write_in_place(std::string_view text) const {
    const struct ::stat before = status();
    struct ::stat after {};
    do {
      write_file(path(), core::as_view(text));
      const struct ::timespec times[2] = {before.st_atim, before.st_mtim};
      REQUIRE(::utimensat(AT_FDCWD, path().c_str(), times, 0) == 0);
      after = status();
    } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
             after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    REQUIRE(after.st_ino == before.st_ino);
  }
  /// The change time and the inode number tell.
  void replace(std::string_view text) const {
    const auto before = inode_of(path());
    std::filesystem::rename(path(), fixture.at("old"));  // keeps its number
    write(text);
    REQUIRE(inode_of(path()) != before);
  }

  /// What a backup stores as the contents of the file.
  std::string stored(const Ignoring& ignoring) {
    repo::BackupOptions options = fixture.options({fixture.at("source")});
    options.ignore_ctime = ignoring.ctime;
    options.ignore_inode = ignoring.inode;
    const auto report = fixture.backup(*repository, options);
    REQUIRE(outcome(report) == "ok");
    CHECK(report->snapshot.problem_count == 0);
    std::string text;
    const auto append = [&text](core::ByteView bytes) {
      text += core::to_string(bytes);
      return core::Status();
    };
    REQUIRE(outcome(repo::dump_file(*repository, report->snapshot, path(), fixture.observer,
                                    append)) == "ok");
    return text;
  }
  [[nodiscard]] std::uint64_t bytes_read() const { return fixture.observer.last.bytes_done; }

  RepoFixture fixture;
  std::optional<repo::Repository> repository;
};

}  // namespace

TEST_CASE("a file of which only the change time has moved is read, unless that is ignored") {
  OneFile file;
  const bool ignored = GENERATE(false, true);
  const Ignoring ignoring{.ctime = ignored};
  CHECK(file.stored(ignoring) == "before");
  CHECK(file.stored(ignoring) == "before");
  CHECK(file.bytes_read() == 0);
  file.write_in_place("after.");
  CHECK(file.stored(ignoring) == (ignored ? "before" : "after."));
  CHECK(file.bytes_read() == (ignored ? 0 : 6));
}

TEST_CASE("a file that took another's place is read, unless change time and inode are ignored") {
  OneFile file;
  const Ignoring ignoring = GENERATE(Ignoring{}, Ignoring{.ctime = true}, Ignoring{.inode = true},
                                     Ignoring{.ctime = true, .inode = true});
  const bool ignored = ignoring.ctime && ignoring.inode;
  CHECK(file.stored(ignoring) == "before");
  file.replace("after.");
  CHECK(file.stored(ignoring) == (ignored ? "before" : "after."));
  CHECK(file.bytes_read() == (ignored ? 0 : 6));
}

TEST_CASE("another size or modification time counts, whatever is ignored") {
  OneFile file;
  const Ignoring ignoring{.ctime = true, .inode = true};
  CHECK(file.stored(ignoring) == "before");
  SECTION("size") {
    file.write_in_place("longer than before");
    CHECK(file.stored(ignoring) == "longer than before");
  }
  SECTION("modification time") {
    write_file(file.path(), core::as_view("after."));
    CHECK(file.stored(ignoring) == "after.");
  }
}

TEST_CASE("a change time of a moment ago counts only as long as change times do") {
  OneFile file;
  const bool ignored = GENERATE(false, true);
  const Ignoring ignoring{.ctime = ignored};
  file.fixture.clock.set_now({file.status().st_ctim.tv_sec + 5, 0});
  CHECK(file.stored(ignoring) == "before");
  CHECK(file.stored(ignoring) == "before");
  CHECK(file.bytes_read() == (ignored ? 0 : 6));
}

TEST_CASE("a backup with other things ignored than the last one reads everything once") {
  // What was recorded does not tell which part of it has changed: too much is read, never too
  // little.
  OneFile file;
  const Ignoring first = GENERATE(Ignoring{}, Ignoring{.ctime = true, .inode = true});
  const Ignoring second{.ctime = !first.ctime, .inode = !first.inode};
  CHECK(file.stored(first) == "before");
  file.write_in_place("after.");
  CHECK(file.stored(second) == "after.");
  CHECK(file.stored(second) == "after.");
  CHECK(file.bytes_read() == 0);
}

// Change times cannot be set, and whatever gives an object another number moves its change time:
// that the number alone is ignored only the stamp itself shows.
TEST_CASE("each of both is ignored for itself") {
  using repo::ops::StampMaker;
  const core::Bytes key(16);
  repo::ops::Statx status{};
  status.stx_mode = S_IFREG | 0644;
  status.stx_ino = 1;
  status.stx_ctime.tv_sec = 1;
  repo::ops::Statx renumbered = status;
  renumbered.stx_ino = 2;
  repo::ops::Statx changed = status;
  changed.stx_ctime.tv_sec = 2;
  const auto is_same = [&](repo::ops::StampIgnores ignores, const repo::ops::Statx& other) {
    StampMaker maker(key, ignores);
    return maker.make("name", status, {}, kFarAhead) == maker.make("name", other, {}, kFarAhead);
  };
  CHECK_FALSE(is_same({}, renumbered));
  CHECK_FALSE(is_same({}, changed));
  CHECK(is_same({.inode = true}, renumbered));
  CHECK_FALSE(is_same({.inode = true}, changed));
  CHECK(is_same({.ctime = true}, changed));
  CHECK_FALSE(is_same({.ctime = true}, renumbered));
}
