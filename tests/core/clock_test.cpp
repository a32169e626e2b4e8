#include "cairn/core/clock.h"

#include <stdlib.h>  // setenv is POSIX
#include <unistd.h>

#include <array>
#include <cstdint>
#include <thread>

#include "catch2.h"
#include "fake_clock.h"

namespace cairn::core {
namespace {

TEST_CASE("times are written as RFC 3339 says") {
  CHECK(format_rfc3339({0, 0}, 0) == "1970-01-01T00:00:00Z");
  CHECK(format_rfc3339({-1, 999'999'999}, 0) == "1969-12-31T23:59:59Z");
  CHECK(format_rfc3339({1'767'274'200, 0}, 60) == "2026-01-01T14:30:00+01:00");
  CHECK(format_rfc3339({1'767'274'200, 0}, -570) == "2026-01-01T04:00:00-09:30");
  CHECK(format_rfc3339({1'767'225'599, 0}, 0) == "2025-12-31T23:59:59Z");
  CHECK(format_rfc3339({951'782'400, 0}, 0) == "2000-02-29T00:00:00Z");
  CHECK(format_rfc3339({951'868'800, 0}, 0) == "2000-03-01T00:00:00Z");
  CHECK(format_rfc3339({4'107'542'399, 0}, 0) == "2100-02-28T23:59:59Z");
  CHECK(format_rfc3339({4'107'542'400, 0}, 0) == "2100-03-01T00:00:00Z");
  CHECK(format_rfc3339({-2'208'988'800, 0}, 0) == "1900-01-01T00:00:00Z");
}

TEST_CASE("the ends of what RFC 3339 can write, and what lies beyond") {
  CHECK(format_rfc3339({-62'167'219'200, 0}, 0) == "0000-01-01T00:00:00Z");
  CHECK(format_rfc3339({-62'167'219'201, 0}, 0) == "@-62167219201");
  CHECK(format_rfc3339({253'402'300'799, 0}, 0) == "9999-12-31T23:59:59Z");
  CHECK(format_rfc3339({253'402'300'800, 0}, 0) == "@253402300800");
  CHECK(format_rfc3339({253'402'300'799, 0}, 1) == "@253402300799");
  CHECK(format_rfc3339({253'402'300'800, 0}, -1) == "9999-12-31T23:59:00-00:01");
  CHECK(format_rfc3339({INT64_MAX, 0}, 0) == "@9223372036854775807");
  CHECK(format_rfc3339({INT64_MIN, 0}, 0) == "@-9223372036854775808");
}

TEST_CASE("an impossible offset keeps the instant") {
  CHECK(format_rfc3339({0, 0}, INT32_MAX) == "1970-01-01T23:59:00+23:59");
  CHECK(format_rfc3339({0, 0}, INT32_MIN) == "1969-12-31T00:01:00-23:59");
}

// The days of a whole 400-year period, counted one by one.
TEST_CASE("dates follow the Gregorian calendar") {
  const auto days_of_month = [](int year, int month) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2) {
      return leap ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
  };
  std::int64_t seconds = -11'676'096'000;  // 1600-01-01
  for (int year = 1600; year < 2001; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= days_of_month(year, month); ++day) {
        const std::string text = format_rfc3339({seconds, 0}, 0);
        if (std::stoi(text.substr(0, 4)) != year || std::stoi(text.substr(5, 2)) != month ||
            std::stoi(text.substr(8, 2)) != day || text.substr(10) != "T00:00:00Z") {
          CAPTURE(year, month, day, seconds);
          FAIL(text);
        }
        seconds += 86'400;
      }
    }
  }
  CHECK(format_rfc3339({seconds, 0}, 0) == "2001-01-01T00:00:00Z");
}

TEST_CASE("time stamps compare by seconds, then by nanoseconds") {
  CHECK(Timestamp{1, 999'999'999} < Timestamp{2, 0});
  CHECK(Timestamp{-1, 5} < Timestamp{-1, 6});
  CHECK(Timestamp{3, 4} == Timestamp{3, 4});
}

TEST_CASE("the system's clocks run forwards") {
  SystemClock clock;
  const std::uint64_t before = clock.monotonic_ns();
  CHECK(clock.now().nanoseconds < kNanosecondsPerSecond);
  CHECK(clock.now().seconds > 1'700'000'000);
  CHECK(clock.monotonic_ns() >= before);
}

TEST_CASE("of two threads that wait for each other one at least stops by itself") {
  std::array<int, 2> there{};
  std::array<int, 2> back{};
  REQUIRE(::pipe(there.data()) == 0);
  REQUIRE(::pipe(back.data()) == 0);
  const auto pass_on = [](int from, int to) {
    char byte = 0;
    return ::read(from, &byte, 1) == 1 && ::write(to, &byte, 1) == 1;
  };
  SystemClock clock;
  const std::uint64_t before = clock.thread_waits();
  constexpr int kRounds = 100;  // what is waited for may be there already once, but not each time
  std::uint64_t of_other = 0;
  std::thread other([&] {
    const std::uint64_t at_first = clock.thread_waits();
    for (int i = 0; i < kRounds; ++i) {
      static_cast<void>(pass_on(there[0], back[1]));
    }
    of_other = clock.thread_waits() - at_first;
  });
  REQUIRE(::write(there[1], "x", 1) == 1);
  for (int i = 1; i < kRounds; ++i) {
    CHECK(pass_on(back[0], there[1]));
  }
  const std::uint64_t of_this = clock.thread_waits() - before;
  other.join();
  CHECK(of_this + of_other > 0);
  for (const int descriptor : {there[0], there[1], back[0], back[1]}) {
    ::close(descriptor);
  }
}

TEST_CASE("the system's offset follows the time zone, summer time included") {
  // Written out, so that no time zone database is needed.
  REQUIRE(::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1) == 0);
  SystemClock clock;
  CHECK(clock.utc_offset_minutes({1'767'225'600, 0}) == 60);   // January
  CHECK(clock.utc_offset_minutes({1'782'864'000, 0}) == 120);  // July
  REQUIRE(::setenv("TZ", "NST3:30", 1) == 0);
  CHECK(clock.utc_offset_minutes({1'767'225'600, 0}) == -210);
  CHECK(clock.utc_offset_minutes({INT64_MAX, 0}) == 0);
}

TEST_CASE("a fake clock moves only when it is told to") {
  test::FakeClock clock({100, 999'999'999});
  const std::uint64_t start = clock.monotonic_ns();
  CHECK(clock.now() == Timestamp{100, 999'999'999});
  clock.advance(std::chrono::nanoseconds(2));
  CHECK(clock.now() == Timestamp{101, 1});
  CHECK(clock.monotonic_ns() == start + 2);
  clock.advance(std::chrono::hours(1));
  CHECK(clock.now() == Timestamp{3701, 1});
  clock.set_now({5, 0});
  CHECK(clock.now() == Timestamp{5, 0});
  CHECK(clock.monotonic_ns() == start + 2 + 3'600'000'000'000);
  clock.set_utc_offset_minutes(-90);
  CHECK(clock.utc_offset_minutes({}) == -90);
}

}  // namespace
}  // namespace cairn::core
