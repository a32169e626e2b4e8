#include "text/times.h"

#include <string>

#include "catch2.h"
#include "fake_clock.h"

namespace cairn::cli {
namespace {

constexpr std::int64_t kNoon = 1'767'268'800;  // 2026-01-01T12:00:00Z
constexpr std::uint32_t kEndOfSecond = 999'999'999;
constexpr std::uint64_t kSecondNs = core::kNanosecondsPerSecond;

/// Changes from +60 to +120 minutes at a given moment, as clocks do in spring.
class SpringClock final : public core::Clock {
 public:
  void pause(std::uint64_t /*nanoseconds*/) override {}
  static constexpr std::int64_t kChange = 1'774'746'000;  // 2026-03-29T01:00:00Z
  core::Timestamp now() override { return {kChange, 0}; }
  std::uint64_t monotonic_ns() override { return 0; }
  std::uint64_t thread_waits() override { return 0; }
  int utc_offset_minutes(core::Timestamp when) override {
    return when.seconds < kChange ? 60 : 120;
  }
};

TEST_CASE("local times are cut to the second and carry no offset") {
  test::FakeClock clock;
  CHECK(format_local_time({kNoon, 5}, clock) == "2026-01-01 12:00:00");
  clock.set_utc_offset_minutes(90);
  CHECK(format_local_time({kNoon, 5}, clock) == "2026-01-01 13:30:00");
}

TEST_CASE("a time that no calendar has is printed all the same") {
  test::FakeClock clock;
  CHECK(format_local_time({INT64_MAX, 0}, clock) == "@9223372036854775807");
}

TEST_CASE("durations and what is left of them") {
  CHECK(format_duration(0) == "0.0 s");
  CHECK(format_duration(kSecondNs / 2) == "0.5 s");
  CHECK(format_duration(12 * kSecondNs) == "12 s");
  CHECK(format_duration(60 * kSecondNs - 1) == "1 min 00 s");
  CHECK(format_duration(185 * kSecondNs) == "3 min 05 s");
  CHECK(format_duration(7'620 * kSecondNs) == "2 h 07 min");
  CHECK(format_countdown(5) == "0:05");
  CHECK(format_countdown(185) == "3:05");
  CHECK(format_countdown(7'620) == "2:07:00");
}

TEST_CASE("times as people type them") {
  CHECK(parse_moment("2026-01-01") == Moment{kNoon - 43'200, 0, std::nullopt});
  CHECK(parse_moment("2026-01-01 12:00") == Moment{kNoon, kEndOfSecond, std::nullopt});
  CHECK(parse_moment("2026-01-01 12:00:05") == Moment{kNoon + 5, kEndOfSecond, std::nullopt});
  CHECK(parse_moment("2026-01-01T12:00:05") == Moment{kNoon + 5, kEndOfSecond, std::nullopt});
}

TEST_CASE("times as RFC 3339 writes them") {
  CHECK(parse_moment("2026-01-01T12:00:00Z") == Moment{kNoon, kEndOfSecond, 0});
  CHECK(parse_moment("2026-01-01t12:00:00z") == Moment{kNoon, kEndOfSecond, 0});
  CHECK(parse_moment("2026-01-01T12:00:00.25Z") == Moment{kNoon, 250'000'000, 0});
  CHECK(parse_moment("2026-01-01T12:00:00.1234567890123Z") == Moment{kNoon, 123'456'789, 0});
  CHECK(parse_moment("2026-01-01T12:00:00+05:30") == Moment{kNoon, kEndOfSecond, 330});
  CHECK(parse_moment("2026-01-01T12:00:00-09:30") == Moment{kNoon, kEndOfSecond, -570});
  CHECK(parse_moment("2016-12-31T23:59:60Z")->wall_seconds ==
        parse_moment("2016-12-31T23:59:59Z")->wall_seconds);
}

TEST_CASE("days count through leap years and centuries") {
  CHECK(parse_moment("1970-01-01")->wall_seconds == 0);
  CHECK(parse_moment("1969-12-31")->wall_seconds == -86'400);
  CHECK(parse_moment("2000-02-29")->wall_seconds == 951'782'400);
  CHECK(parse_moment("2000-03-01")->wall_seconds == 951'868'800);
  CHECK(parse_moment("2100-03-01")->wall_seconds == 4'107'542'400);
  CHECK(parse_moment("1900-01-01")->wall_seconds == -2'208'988'800);
  CHECK(parse_moment("9999-12-31")->wall_seconds == 253'402'300'800 - 86'400);
  CHECK(parse_moment("0001-01-01")->wall_seconds == -62'135'596'800);
}

TEST_CASE("anything else is no time") {
  for (const std::string bad : {"",
                                "now",
                                "2026",
                                "2026-1-1",
                                "2026-13-01",
                                "2026-00-01",
                                "2026-02-29",
                                "2026-04-31",
                                "2026-01-00",
                                "0000-01-01",
                                "2026-01-01 ",
                                "2026-01-01 24:00",
                                "2026-01-01 12",
                                "2026-01-01 12:60",
                                "2026-01-01 12:00:61",
                                "2026-01-01 12:00:00.",
                                "2026-01-01 12:00x",
                                "2026-01-01T12:00:00+0100",
                                "2026-01-01T12:00:00+24:00",
                                "2026-01-01T12:00:00ZZ",
                                " 2026-01-01",
                                "+026-01-01",
                                "2026-01-01  12:00",
                                "2026-01-01Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_moment(bad).has_value());
  }
}

TEST_CASE("what is written back is what was meant") {
  test::FakeClock clock;
  clock.set_utc_offset_minutes(-300);
  for (const std::string text :
       {"2026-01-01 14:30:05", "1999-12-31 23:59:59", "2024-02-29 00:00:00"}) {
    CHECK(format_local_time(resolve(*parse_moment(text), clock), clock) == text);
  }
  CHECK(core::format_rfc3339(resolve(*parse_moment("2026-01-01T12:00:00+05:30"), clock), 330) ==
        "2026-01-01T12:00:00+05:30");
}

TEST_CASE("the offset is that of the time in question, not of today") {
  SpringClock clock;
  CHECK(resolve(*parse_moment("2026-03-29 01:59:00"), clock).seconds == SpringClock::kChange - 60);
  CHECK(resolve(*parse_moment("2026-03-29 03:00:00"), clock).seconds == SpringClock::kChange);
  CHECK(resolve(*parse_moment("2026-07-01 12:00"), clock).seconds ==
        parse_moment("2026-07-01 10:00")->wall_seconds);
}

}  // namespace
}  // namespace cairn::cli
