#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stop_token>

#include "child_process.h"
#include "inode_of.h"
#include "intercepted_calls.h"
#include "ops/target/restored_file.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

namespace {

/// The recorded entry of a file, as a restore meets it.
repo::Entry entry_of(RestoreFixture& fixture, const std::string& name) {
  repo::Entry found;
  const auto status = repo::list_entries(*fixture.repository, fixture.snapshot,
                                         {.path = fixture.at("source/" + name), .recursive = false},
                                         fixture.observer, [&](const repo::ListedEntry& listed) {
                                           found = listed.entry;
                                           return core::Status();
                                         });
  REQUIRE(outcome(status) == "ok");
  return found;
}

void write_private(const std::string& path, core::ByteView bytes) {
  write_file(path, bytes);
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::size_t names_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

/// Dies as by SIGKILL when the first file has its name.
class DyingObserver final : public repo::Observer {
 public:
  void restored(RestoreAction action, std::string_view /*path*/) override {
    if (action == RestoreAction::created && ++created_ > 1) {
      ::_exit(9);
    }
  }

 private:
  int created_ = 0;
};

}  // namespace

TEST_CASE("after a kill the same restore goes on from what is there") {
  RestoreFixture fixture;
  fixture.workers = 1;
  fixture.make("source", {tree::file("a", 3'000'000, 1), tree::file("b", 3'000'000, 2),
                          tree::file("c", 3'000'000, 3)});
  fixture.back_up();
  CHECK(run_in_child([&]() -> std::string {
          DyingObserver dying;
          const auto ignored = repo::restore(*fixture.repository, fixture.snapshot,
                                             fixture.over(Overwrite::if_changed), dying);
          return "lived";
        }) == "died");
  REQUIRE(names_in(fixture.at("out")) >= 1);
  const auto report = fixture.must(fixture.over(Overwrite::if_changed));
  CHECK(report.bytes_written < 9'000'000);
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("a file that was half built is finished, not built again") {
  RestoreFixture fixture;
  fixture.make("source", {tree::file("big", 4'000'000, 1)});
  fixture.back_up();
  const repo::Entry entry = entry_of(fixture, "big");
  fixture.make("out", {});
  const auto whole = read_file(fixture.at("source/big"));
  const std::string leftover = fixture.at("out/") + repo::ops::temporary_name(entry);

  SECTION("under its temporary name") {
    write_private(leftover, core::ByteView(whole).first(2'500'000));
    const auto report = fixture.must(fixture.over(Overwrite::if_changed));
    CHECK(report.bytes_kept >= 2'000'000);
    CHECK(report.bytes_written <= 2'000'000);
  }
  SECTION("with an older version there, too") {
    write_private(leftover, core::ByteView(whole).first(2'500'000));
    fixture.make("out", {tree::file("big", 4'000'000, 1)});
    flip_byte(fixture.at("out/big"), 10);
    const auto report = fixture.must(fixture.over(Overwrite::always));
    CHECK(report.bytes_read == 0);
  }
  SECTION("a file of somebody else is no leftover") {
    write_file(leftover, core::ByteView(whole).first(2'500'000));
    std::filesystem::permissions(leftover, std::filesystem::perms::all);
    CHECK(fixture.must(fixture.over(Overwrite::if_changed)).bytes_kept == 0);
  }
  SECTION("nor is a link that leads out") {
    fixture.make("outside", {tree::text_file("mine", "x")});
    std::filesystem::create_symlink(fixture.at("outside/mine"), leftover);
    CHECK(fixture.must(fixture.over(Overwrite::if_changed)).bytes_kept == 0);
    CHECK(fixture.text("outside/mine") == "x");
  }
  CHECK(names_in(fixture.at("out")) == 1);
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("a mixture that a crash left is put right whatever its time says") {
  RestoreFixture fixture;
  fixture.make("source", {tree::file("big", 4'000'000, 1).with_mtime({1'000'000'000, 0})});
  fixture.back_up();
  const repo::Entry entry = entry_of(fixture, "big");
  const auto whole = read_file(fixture.at("source/big"));
  fixture.make("out", {tree::file("big", 4'000'000, 1)});
  for (const std::uint64_t at : {100U, 3'000'000U}) {
    flip_byte(fixture.at("out/big"), at);
  }
  write_private(fixture.at("out/") + repo::ops::patch_name(entry),
                core::ByteView(whole).first(1'000'000));
  const auto report = fixture.must(fixture.over(Overwrite::if_newer));
  CHECK(count(report, RestoreAction::updated) == 1);
  CHECK(names_in(fixture.at("out")) == 1);
  CHECK(fixture.text("out/big") == core::to_string(whole));
}

TEST_CASE("what a patch holds is written, too, where the file may no longer be changed in place") {
  RestoreFixture fixture;
  fixture.make("source", {tree::file("big", 4'000'000, 1)});
  fixture.back_up();
  const auto whole = read_file(fixture.at("source/big"));
  fixture.make("out", {tree::file("big", 4'000'000, 1)});
  flip_byte(fixture.at("out/big"), 100);
  write_private(fixture.at("out/") + repo::ops::patch_name(entry_of(fixture, "big")), whole);
  std::filesystem::create_hard_link(fixture.at("out/big"), fixture.at("another name"));
  const auto report = fixture.must(fixture.over(Overwrite::always));
  CHECK(report.bytes_read == 0);
  CHECK(fixture.text("out/big") == core::to_string(whole));
  CHECK(fixture.text("another name") != core::to_string(whole));
  CHECK(names_in(fixture.at("out")) == 1);
}

TEST_CASE("a file that is changed in place is on the disk before its time says that it is whole") {
  constexpr core::Timestamp kRecorded{1'000'000'000, 7};
  RestoreFixture fixture;
  fixture.make("source", {tree::file("big", 4'000'000, 1).with_mtime(kRecorded)});
  fixture.back_up();
  const std::string patch = fixture.at("out/") + repo::ops::patch_name(entry_of(fixture, "big"));
  const std::string path = fixture.at("out/big");
  fixture.make("out", {tree::file("big", 4'000'000, 1)});
  flip_byte(path, 3'000'000);
  const auto inode = inode_of(path);
  const core::Bytes whole = read_file(fixture.at("source/big"));

  // What a power cut right after it would leave.
  struct Synced {
    bool is_whole = false;
    bool has_recorded_time = false;
    bool has_patch = false;
  };
  std::vector<Synced> synced;
  {
    const InterceptedCalls calls({.fdatasync = [&](int file) {
      struct ::stat status {};
      if (::fstat(file, &status) == 0 && status.st_ino == inode) {
        synced.push_back({.is_whole = read_file(path) == whole,
                          .has_recorded_time = status.st_mtim.tv_sec == kRecorded.seconds,
                          .has_patch = std::filesystem::exists(patch)});
      }
    }});
    fixture.must(fixture.over(Overwrite::always));
  }
  REQUIRE(inode_of(path) == inode);  // it was changed in place, or there is nothing to see here
  CHECK(fixture.differences() == std::vector<std::string>());
  CHECK(names_in(fixture.at("out")) == 1);
  REQUIRE(synced.size() == 1);
  CHECK(synced.front().is_whole);
  CHECK_FALSE(synced.front().has_recorded_time);
  CHECK(synced.front().has_patch);
}

TEST_CASE("a large file survives an interruption, and the next restore uses it") {
  RestoreFixture fixture;
  fixture.workers = 1;
  fixture.make("source", {tree::file("a", 1'000, 1), tree::file("big", 20'000'000, 2)});
  fixture.back_up();
  std::stop_source stop;
  auto options = fixture.over(Overwrite::if_changed);
  options.stop = stop.get_token();
  fixture.observer.on_progress = [&](const repo::Progress&) { stop.request_stop(); };
  REQUIRE(outcome(fixture.run(options)) == "interrupted");
  fixture.observer.on_progress = nullptr;
  const repo::Entry entry = entry_of(fixture, "big");
  REQUIRE(std::filesystem::exists(fixture.at("out/") + repo::ops::temporary_name(entry)));
  const auto report = fixture.must(fixture.over(Overwrite::if_changed));
  CHECK(report.bytes_kept > 0);
  CHECK(names_in(fixture.at("out")) == 2);
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("two restores do not write into one target") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a", "x")});
  fixture.back_up();
  fixture.make("out", {});
  const int other = ::open(fixture.at("out").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(::flock(other, LOCK_EX | LOCK_NB) == 0);
  CHECK(outcome(fixture.run(fixture.over(Overwrite::always))) == "busy");
  ::close(other);
  fixture.must(fixture.over(Overwrite::always));
}
