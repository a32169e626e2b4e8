#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "catch2.h"
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
