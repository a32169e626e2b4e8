#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "catch2.h"
#include "intercepted_calls.h"
#include "live_source.h"
#include "outcome.h"

/// Files that are replaced and written while a backup reads them. A file is looked at by the walk;
/// then a worker asks the clock, and opens the file: what a test does when the clock is asked falls
/// into the gap between the two.
using namespace cairn;
using namespace cairn::test;

TEST_CASE("a file that is replaced by rename all the time is in every snapshot, whole") {
  LiveSource live({tree::text_file("a", "a"), tree::text_file("state", "0")});
  int version = 0;
  for (int i = 0; i < 5; ++i) {
    const auto report = live.backup([&] { live.replace("state", fmt::format("v{}", ++version)); });
    CHECK(live.problems() == Lines{});
    CHECK(live.text_of(report, "state").starts_with("v"));
    CHECK(report.snapshot.sources.front().counts.files == 2);
  }
  // What was there when the cache was written is not taken for what is there now.
  const auto last = live.backup(nullptr);
  CHECK(live.text_of(last, "state") == fmt::format("v{}", version));
}

TEST_CASE("of a file that took another's place all is recorded anew") {
  LiveSource live({tree::text_file("state", "old").with_mode(0644)});
  const auto report = live.backup([&] {
    live.replace("state", "longer than before");
    fs::permissions(live.at("state"), fs::perms(0600));
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a file that is removed and made again is taken as it is now") {
  LiveSource live({tree::text_file("state", "old")});
  const auto report = live.backup([&] {
    fs::remove(live.at("state"));
    live.write("state", "new");
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.text_of(report, "state") == "new");
}

TEST_CASE("a link or a FIFO that takes a file's name is recorded as what it is") {
  LiveSource live({tree::text_file("state", "old")});
  std::function<void()> exchange;
  SECTION("a link") {
    exchange = [&] {
      fs::remove(live.at("state"));
      fs::create_symlink("elsewhere", live.at("state"));
    };
  }
  SECTION("a FIFO") {
    exchange = [&] {
      fs::remove(live.at("state"));
      REQUIRE(::mkfifo(live.at("state").c_str(), 0600) == 0);
    };
  }
  const auto report = live.backup(exchange);
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a folder that takes a file's name is named as a problem; a file that is gone vanished") {
  LiveSource live({tree::text_file("gone", "1"), tree::text_file("other", "2")});
  static_cast<void>(live.backup([&] { fs::remove(live.at("gone")); }));
  CHECK(live.problems() == Lines{"vanished gone"});
  live.write("other", "looked at again");
  static_cast<void>(live.backup([&] {
    fs::remove(live.at("other"));
    fs::create_directory(live.at("other"));
  }));
  CHECK(live.problems() == Lines{"unreadable other"});
}

TEST_CASE("further names of a file are read if its first name went to another file") {
  LiveSource live({tree::text_file("a", "linked"), tree::hard_link("b", "a"),
                   tree::hard_link("c", "a"), tree::text_file("d", "d")});
  bool done = false;
  const auto report = live.backup([&] {
    if (!std::exchange(done, true)) {
      live.replace("a", "another file");
    }
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("further names of a file are read if its first name is gone") {
  LiveSource live(
      {tree::text_file("a", "linked"), tree::hard_link("b", "a"), tree::hard_link("c", "a")});
  bool done = false;
  const auto report = live.backup([&] {
    if (!std::exchange(done, true)) {
      fs::remove(live.at("a"));
    }
  });
  CHECK(live.problems() == Lines{"vanished a"});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a file that changed just before it was opened is read twice") {
  LiveSource live({tree::text_file("state", "1")});
  struct ::stat status {};
  REQUIRE(::stat(live.at("state").c_str(), &status) == 0);
  // Its next change may lie in the same tick as the last one and leave its times as they are.
  const auto report = live.backup([&] {
    live.clock.set_now({status.st_ctim.tv_sec, static_cast<std::uint32_t>(status.st_ctim.tv_nsec)});
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.fixture.observer.last.bytes_done == 2);
  CHECK(live.text_of(report, "state") == "1");
}

TEST_CASE("a file that only grows while it is read is what it was when it was opened") {
  LiveSource live({tree::text_file("log", "one\n")});
  bool is_open = false;
  int steps = 0;
  const auto report = live.backup([&] { is_open = true; },
                                  [&] {
                                    // Before the file is opened, and after it.
                                    if (is_open && ++steps == 2) {
                                      live.append("log", "two\n");
                                    }
                                  });
  CHECK(steps > 2);
  CHECK(live.problems() == Lines{});
  CHECK(live.text_of(report, "log") == "one\n");
  const auto next = live.backup(nullptr);
  CHECK(live.text_of(next, "log") == "one\ntwo\n");
}

TEST_CASE("a file that changes each time it is read is named, and given up after three times") {
  constexpr std::size_t kSize = 1'000;
  LiveSource live({tree::text_file("state", std::string(kSize, 'x'))});
  bool is_open = false;
  std::size_t steps = 0;
  static_cast<void>(live.backup([&] { is_open = true; },
                                [&] {
                                  if (is_open) {  // its size shows each of them
                                    live.write("state", std::string(kSize - ++steps, 'x'));
                                  }
                                }));
  CHECK(live.problems() == Lines{"changed_while_read state"});
  CHECK(live.fixture.observer.last.bytes_done <= 3 * kSize);
  CHECK(steps < 50);
}

TEST_CASE("what says that it is empty is read to its real end") {
  LiveSource live({tree::text_file("a", "")});
  live.source = "/proc/version";
  const auto report = live.backup(nullptr);
  CHECK(live.fixture.observer.problems.empty());
  const auto expected = read_file("/proc/version");
  CHECK_FALSE(expected.empty());
  CHECK(report.snapshot.sources.front().counts.bytes == expected.size());
}

namespace {

constexpr std::uint64_t kTornBytes = 2'000'000;  // four reads

/// A large file, and what happens to it whenever a piece of it is about to be read.
class TornFile {
 public:
  using Act = std::function<void(TornFile&, std::uint64_t offset)>;
  explicit TornFile(const LiveSource& live) : path_(live.at("torn")) {
    struct ::stat status {};
    REQUIRE(::stat(path_.c_str(), &status) == 0);
    inode_ = status.st_ino;
  }

  /// Hooks for the time of one backup. `there`: where reading finds the end, whatever stat says.
  InterceptedCalls::Hooks hooks(Act act, std::uint64_t there = UINT64_MAX) {
    return {.pread = [this, act = std::move(act), there](int file, std::size_t wanted,
                                                         std::uint64_t offset) {
      struct ::stat status {};
      if (::fstat(file, &status) != 0 || status.st_ino != inode_) {
        return wanted;
      }
      ++reads;
      if (act) {
        act(*this, offset);
      }
      const std::uint64_t left = there - std::min(there, offset);
      return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, left));
    }};
  }
  /// Another byte at `offset`, and another time: change times may stand still for a moment.
  void change(std::uint64_t offset) {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    const char byte = static_cast<char>(++changes);
    static_cast<void>(::pwrite(file, &byte, 1, static_cast<::off_t>(offset)) == 1);
    const ::timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, changes}};
    ::futimens(file, times);
    ::close(file);
  }
  void append() {
    ++changes;
    std::ofstream(path_, std::ios::binary | std::ios::app) << "one more line\n";
  }
  void cut(std::uint64_t size) {
    ++changes;
    fs::resize_file(path_, size);
  }

  std::uint64_t reads = 0;
  long changes = 0;

 private:
  std::string path_;
  std::uint64_t inode_ = 0;
};

std::string text_in(const LiveSource& live) { return core::to_string(read_file(live.at("torn"))); }

bool is_marked_torn(LiveSource& live, const repo::BackupReport& report) {
  bool marked = false;
  REQUIRE(outcome(repo::list_entries(*live.repository, report.snapshot,
                                     {.path = live.at("torn"), .recursive = false},
                                     live.fixture.observer, [&](const repo::ListedEntry& listed) {
                                       marked = listed.entry.changed_while_read;
                                       return core::Status();
                                     })) == "ok");
  return marked;
}

}  // namespace

TEST_CASE("a file that changes whenever it is read is named, read three times at most, and kept") {
  LiveSource live({tree::file("torn", kTornBytes, 1), tree::text_file("whole", "whole")});
  TornFile file(live);
  repo::BackupReport report;
  {
    const InterceptedCalls calls(
        file.hooks([](TornFile& torn, std::uint64_t /*offset*/) { torn.change(0); }));
    report = live.backup(nullptr);
  }
  CHECK(live.problems() == Lines{"changed_while_read torn"});
  CHECK(report.snapshot.problem_count == 1);
  CHECK(is_marked_torn(live, report));
  CHECK(file.reads >= 3);
  CHECK(file.reads <= 3 * (kTornBytes / 500'000 + 1));
  CHECK(live.text_of(report, "torn").size() == kTornBytes);
  CHECK(live.text_of(report, "whole") == "whole");
  // Nothing of it is taken for known the next time.
  const auto again = live.backup(nullptr);
  CHECK(live.problems() == Lines{});
  CHECK_FALSE(is_marked_torn(live, again));
  CHECK(live.text_of(again, "torn") == text_in(live));
}

TEST_CASE("a file that changes once while it is read is read again, whole") {
  LiveSource live({tree::file("torn", kTornBytes, 1)});
  TornFile file(live);
  repo::BackupReport report;
  {
    // In what was read already.
    const InterceptedCalls calls(file.hooks([](TornFile& torn, std::uint64_t offset) {
      if (offset > 0 && torn.changes == 0) {
        torn.change(0);
      }
    }));
    report = live.backup(nullptr);
  }
  REQUIRE(file.changes == 1);
  CHECK(live.problems() == Lines{});
  CHECK_FALSE(is_marked_torn(live, report));
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a log that grows all the time is stored as it was when it was opened") {
  LiveSource live({tree::file("torn", kTornBytes, 1)});
  TornFile file(live);
  const std::string before = text_in(live);
  repo::BackupReport report;
  {
    const InterceptedCalls calls(
        file.hooks([](TornFile& torn, std::uint64_t /*offset*/) { torn.append(); }));
    report = live.backup(nullptr);
  }
  REQUIRE(text_in(live).size() > before.size());
  CHECK(live.problems() == Lines{});
  CHECK_FALSE(is_marked_torn(live, report));
  CHECK(live.text_of(report, "torn") == before);
  CHECK(report.snapshot.sources.front().counts.bytes == before.size());
  // What came after that is not taken for known.
  const auto again = live.backup(nullptr);
  CHECK(live.text_of(again, "torn") == text_in(live));
}

TEST_CASE("a file that grows and changes before its end is no log") {
  LiveSource live({tree::file("torn", kTornBytes, 1)});
  TornFile file(live);
  repo::BackupReport report;
  {
    const InterceptedCalls calls(file.hooks([](TornFile& torn, std::uint64_t offset) {
      torn.append();
      if (offset > 0) {
        torn.change(0);
      }
    }));
    report = live.backup(nullptr);
  }
  CHECK(live.problems() == Lines{"changed_while_read torn"});
  CHECK(is_marked_torn(live, report));
}

TEST_CASE("a file that is cut while it is read is stored as what is left of it") {
  LiveSource live({tree::file("torn", kTornBytes, 1)});
  TornFile file(live);
  repo::BackupReport report;
  {
    const InterceptedCalls calls(file.hooks([](TornFile& torn, std::uint64_t offset) {
      if (offset > 0 && torn.changes == 0) {
        torn.cut(1'200'000);
      }
    }));
    report = live.backup(nullptr);
  }
  REQUIRE(file.changes == 1);
  CHECK(live.problems() == Lines{});
  CHECK(report.snapshot.sources.front().counts.bytes == 1'200'000);
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a file that ends before the size that its file system gives is named") {
  LiveSource live({tree::file("torn", kTornBytes, 1), tree::text_file("whole", "whole")});
  TornFile file(live);
  const std::uint64_t end = GENERATE(std::uint64_t{0}, std::uint64_t{700'000}, kTornBytes - 1);
  repo::BackupReport report;
  {
    const InterceptedCalls calls(file.hooks(nullptr, end));
    report = live.backup(nullptr);
  }
  REQUIRE(live.problems() == Lines{"changed_while_read torn"});
  const std::string reason = live.fixture.observer.problems.front().reason;
  CHECK_THAT(reason, Catch::Contains(fmt::format("ended after {} bytes", end)));
  CHECK_THAT(reason, Catch::Contains(fmt::format("{}", kTornBytes)));
  CHECK(is_marked_torn(live, report));
  CHECK(live.text_of(report, "torn") == text_in(live).substr(0, end));
  CHECK(live.text_of(report, "whole") == "whole");
  // Once it gives all of it, all of it is stored.
  const auto again = live.backup(nullptr);
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(again) == Lines{});
}

TEST_CASE("the kernel's own files end where they end, whatever size they give") {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  struct ::stat status {};
  if (::stat(path.c_str(), &status) != 0 || read_file(path).empty()) {
    WARN("skipped: no such file in /sys here");
    return;
  }
  const auto expected = read_file(path);
  REQUIRE(static_cast<std::uint64_t>(status.st_size) > expected.size());
  LiveSource live({tree::text_file("a", "")});
  live.source = path;
  const auto report = live.backup(nullptr);
  CHECK(live.fixture.observer.problems.empty());
  CHECK(report.snapshot.sources.front().counts.bytes == expected.size());
}
