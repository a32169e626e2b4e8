#include "ops/snapshots/calendar_slot.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <gsl/assert>
#include <limits>

namespace cairn::repo::ops {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t kSecondsPerHour = 3600;
constexpr std::int64_t kSecondsPerDay = 24 * kSecondsPerHour;
constexpr std::int64_t kMonthsPerYear = 12;
// A hostile snapshot may claim any time: these leave room for a time zone on either side.
constexpr std::int64_t kEarliest = -62'135'510'400;  // 0001-01-02T00:00:00Z
constexpr std::int64_t kLatest = 253'402'214'400;    // 9999-12-31T00:00:00Z

/// Local date and time.
struct WallTime {
  sys_days day;
  std::int64_t second = 0;  ///< of the day
};

WallTime wall_time(core::Timestamp when, int utc_offset_minutes) {
  const std::int64_t shown =
      std::clamp(when.seconds, kEarliest, kLatest) + std::int64_t{utc_offset_minutes} * 60;
  const std::int64_t second = (shown % kSecondsPerDay + kSecondsPerDay) % kSecondsPerDay;
  return {sys_days(days((shown - second) / kSecondsPerDay)), second};
}

std::string text_of(const year_month_day& date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

/// By ISO 8601 a week begins on Monday and belongs to the year that contains its Thursday.
std::string week_of(sys_days day) {
  const unsigned weekday = std::chrono::weekday(day).iso_encoding();
  const sys_days thursday = day + days(4 - static_cast<int>(weekday));
  const auto year = year_month_day(thursday).year();
  const auto days_before = (thursday - sys_days(year / std::chrono::January / 1)).count();
  return fmt::format("{:04}-W{:02}", static_cast<int>(year), days_before / 7 + 1);
}

}  // namespace

std::string slot_of(SlotLength length, core::Timestamp when, int utc_offset_minutes) {
  const WallTime wall = wall_time(when, utc_offset_minutes);
  const year_month_day date(wall.day);
  switch (length) {
    case SlotLength::hour:
      return fmt::format("{} {:02}:00", text_of(date), wall.second / kSecondsPerHour);
    case SlotLength::day:
      return text_of(date);
    case SlotLength::week:
      return week_of(wall.day);
    case SlotLength::month:
      return text_of(date).substr(0, 7);
    case SlotLength::year:
      return text_of(date).substr(0, 4);
  }
  Ensures(false);
  return {};
}

core::Timestamp moment_before(core::Timestamp when, int utc_offset_minutes,
                              const RetentionDuration& duration) {
  const WallTime wall = wall_time(when, utc_offset_minutes);
  const year_month_day date(wall.day);
  const std::int64_t months = std::int64_t{static_cast<int>(date.year())} * kMonthsPerYear +
                              static_cast<unsigned>(date.month()) - 1 -
                              std::int64_t{duration.years} * kMonthsPerYear - duration.months;
  if (months < kMonthsPerYear) {
    return {std::numeric_limits<std::int64_t>::min(), 0};
  }
  const auto first =
      sys_days(std::chrono::year(static_cast<int>(months / kMonthsPerYear)) /
               std::chrono::month(static_cast<unsigned>(months % kMonthsPerYear) + 1) / 1);
  const std::int64_t day = std::int64_t{first.time_since_epoch().count()} +
                           static_cast<unsigned>(date.day()) - 1 - duration.days;
  return {day * kSecondsPerDay + wall.second - duration.hours * kSecondsPerHour -
              std::int64_t{utc_offset_minutes} * 60,
          when.nanoseconds};
}

}  // namespace cairn::repo::ops
