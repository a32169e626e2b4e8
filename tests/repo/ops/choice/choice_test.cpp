#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>

#include "catch2.h"
#include "loop_disk.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

/// Paths, relative to the source, of everything that a backup with this choice holds.
struct Chooser {
  explicit Chooser(const std::vector<TreeObject>& objects) {
    fs::create_directories(source);
    REQUIRE(make_tree(source, objects).empty());
    auto made = fixture.init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
  }

  Lines chosen(const repo::Choice& choice) {
    repo::BackupOptions options = fixture.options({source});
    options.choice = choice;
    const auto report = fixture.backup(*repository, options);
    REQUIRE(outcome(report) == "ok");
    CHECK(report->snapshot.problem_count == 0);
    Lines lines;
    REQUIRE(outcome(repo::list_entries(*repository, report->snapshot,
                                       {.path = source, .recursive = true}, fixture.observer,
                                       [&](const repo::ListedEntry& entry) -> core::Status {
                                         lines.push_back(entry.path.substr(source.size() + 1));
                                         return {};
                                       })) == "ok");
    return lines;
  }

  RepoFixture fixture;
  std::string source = fixture.at("source");
  std::optional<repo::Repository> repository;
};

constexpr const char* kTag = "Signature: 8a477f597d28d172789f06886806bc55\nmore";

}  // namespace

TEST_CASE("patterns leave paths out and take them back") {
  Chooser chooser({tree::file("a/x.o", 1), tree::file("a/x.c", 1), tree::file("build/x.c", 1),
                   tree::file("keep.o", 1), tree::file("sub/build", 1)});
  repo::Choice choice;
  REQUIRE(outcome(choice.filter.add_file_lines("*.o\n!keep.o\nbuild/\n")) == "ok");
  CHECK(chooser.chosen(choice) == Lines{"a", "a/x.c", "keep.o", "sub", "sub/build"});

  repo::Choice anchored;
  REQUIRE(outcome(anchored.filter.add_exclude(chooser.source + "/*/x.c")) == "ok");
  CHECK(chooser.chosen(anchored) == Lines{"a", "a/x.o", "build", "keep.o", "sub", "sub/build"});

  repo::Choice everything;
  REQUIRE(outcome(everything.filter.add_exclude("*")) == "ok");
  CHECK(chooser.chosen(everything).empty());  // but the source itself is there
}

TEST_CASE("of a folder that says it is a cache only the tag is kept") {
  Chooser chooser({tree::text_file("cache/CACHEDIR.TAG", kTag), tree::file("cache/a/b", 1),
                   tree::text_file("fake/CACHEDIR.TAG", "no signature"), tree::file("fake/b", 1)});
  CHECK(chooser.chosen({.exclude_caches = true}) ==
        Lines{"cache", "cache/CACHEDIR.TAG", "fake", "fake/CACHEDIR.TAG", "fake/b"});
}

TEST_CASE("of a folder that holds a tag of the user's only that is kept") {
  Chooser chooser({tree::file("x/.nobackup", 1), tree::file("x/a", 1),
                   tree::file("x/y/.nobackup", 1), tree::file("y/.skip", 1), tree::file("y/z", 1)});
  CHECK(chooser.chosen({.exclude_if_present = {".nobackup", ".skip"}}) ==
        Lines{"x", "x/.nobackup", "y", "y/.skip"});
}

TEST_CASE("large files can be left out") {
  Chooser chooser({tree::file("1000", 1000), tree::file("1001", 1001), tree::file("d/0", 0)});
  CHECK(chooser.chosen({.exclude_larger_than_bytes = 1000}) == Lines{"1000", "d", "d/0"});
  CHECK(chooser.chosen({.exclude_larger_than_bytes = 0}) == Lines{"d", "d/0"});
}

TEST_CASE("what is left out later is gone from the next snapshot, and back without being read") {
  Chooser chooser({tree::file("a", 100'000), tree::file("b", 100'000)});
  chooser.fixture.clock.set_now({4'102'444'800, 0});
  CHECK(chooser.chosen({}) == Lines{"a", "b"});
  repo::Choice choice;
  REQUIRE(outcome(choice.filter.add_exclude("b")) == "ok");
  CHECK(chooser.chosen(choice) == Lines{"a"});
  CHECK(chooser.fixture.observer.last.bytes_done == 0);
}

TEST_CASE("the nodump flag is honoured on request") {
  Chooser chooser({tree::file("d/a", 1), tree::file("b", 1), tree::file("c", 1)});
  int flags = 0;
  for (const char* const name : {"/d", "/b"}) {
    const int file = ::open((chooser.source + name).c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    const bool set = ::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0 &&
                     (flags |= FS_NODUMP_FL, ::ioctl(file, FS_IOC_SETFLAGS, &flags)) == 0;
    ::close(file);
    if (!set) {
      WARN("skipped: this file system knows no inode flags");
      return;
    }
  }
  CHECK(chooser.chosen({}) == Lines{"b", "c", "d", "d/a"});
  CHECK(chooser.chosen({.exclude_nodump = true}) == Lines{"c"});
}

TEST_CASE("other file systems can be left out") {
  Chooser chooser({tree::file("a", 1), tree::folder("disk")});
  const LoopDisk disk(chooser.source + "/disk", 4);
  if (!disk.is_mounted()) {
    WARN("skipped: needs root, mkfs.ext4 and a loop device");
    return;
  }
  fs::remove(disk.image());
  REQUIRE(make_tree(chooser.source + "/disk", {tree::file("x/y", 1)}).empty());
  CHECK(chooser.chosen({}) == Lines{"a", "disk", "disk/x", "disk/x/y"});
  CHECK(chooser.chosen({.one_file_system = true}) == Lines{"a", "disk"});
}

TEST_CASE("a stream becomes a file") {
  RepoFixture fixture;
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  const std::size_t size = GENERATE(std::size_t{0}, std::size_t{100}, std::size_t{5'000'000});
  REQUIRE(make_tree(fixture.at(""), {tree::file("stream/data", size, 3)}).empty());
  const core::Bytes bytes = read_file(fixture.at("stream/data"));
  std::size_t done = 0;
  repo::BackupOptions options = fixture.options({});
  options.stream.emplace();
  options.stream->path = "/dump.sql";
  options.stream->read = [&](core::MutableByteView out) -> core::Result<std::size_t> {
    const std::size_t part = std::min(out.size(), bytes.size() - done);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), part, out.begin());
    done += part;
    return part;
  };
  options.stream->finish = [] { return core::Status(); };
  const auto report = fixture.backup(*repository, options);
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshot.sources.front().path == "/dump.sql");
  CHECK(report->snapshot.sources.front().counts.bytes == size);
  REQUIRE(outcome(fixture.restore(*repository, report->snapshot, "", fixture.at("out"))) == "ok");
  CHECK(read_file(fixture.at("out/dump.sql")) == bytes);

  SECTION("and the same stream adds nothing") {
    done = 0;
    const auto again = fixture.backup(*repository, options);
    REQUIRE(outcome(again) == "ok");
    CHECK(again->snapshot.added_data.chunks == 0);
  }
  SECTION("but not if its command failed") {
    done = 0;
    options.stream->finish = []() -> core::Status {
      return core::fail(core::ErrorCode::io, "pg_dump ended with exit code 1");
    };
    const auto failed = fixture.backup(*repository, options);
    CHECK(message_of(failed) == "pg_dump ended with exit code 1");
    CHECK(fixture.objects("snapshots").size() == 1);
    CHECK(fixture.objects("sessions").empty());
  }
  SECTION("nor if it could not be read") {
    options.stream->read = [](core::MutableByteView) -> core::Result<std::size_t> {
      return core::fail(core::ErrorCode::io, "read standard input: broken");
    };
    CHECK(message_of(fixture.backup(*repository, options)) == "read standard input: broken");
    CHECK(fixture.objects("snapshots").size() == 1);
  }
}
