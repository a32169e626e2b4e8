#include "ops/snapshots/calendar_slot.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <gsl/assert>
#include <limits>

namespace cairn::repo::ops {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

constexpr std::int64_t kSecondsPerHour = 3600;
constexpr std::int64_t kSecondsPerDay = 24 * kSecondsPerHour;
constexpr std::int64_t kMonthsPerYear = 12;
// A hostile snapshot may claim any time: these leave room for a time zone on either side.
constexpr std::int64_t kEarliest = -62'135'510'400;  // 0001-01-02T00:00:00Z
constexpr std::int64_t kLatest = 253'402'214'400;    // 9999-12-31T00:00:00Z

/// Local date and time.
sys_seconds wall_time(core::Timestamp when, int utc_offset_minutes) {
  return sys_seconds(seconds(std::clamp(when.seconds, kEarliest, kLatest) +
                             std::int64_t{utc_offset_minutes} * 60));
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
  const sys_seconds wall = wall_time(when, utc_offset_minutes);
  const std::string text = core::format_rfc3339({wall.time_since_epoch().count(), 0}, 0);
  switch (length) {
    case SlotLength::hour:
      return fmt::format("{} {}:00", text.substr(0, 10), text.substr(11, 2));
    case SlotLength::day:
      return text.substr(0, 10);
    case SlotLength::week:
      return week_of(std::chrono::floor<days>(wall));
    case SlotLength::month:
      return text.substr(0, 7);
    case SlotLength::year:
      return text.substr(0, 4);
  }
  Ensures(false);
  return {};
}

core::Timestamp moment_before(core::Timestamp when, int utc_offset_minutes,
                              const RetentionDuration& duration) {
  const sys_seconds wall = wall_time(when, utc_offset_minutes);
  const auto today = std::chrono::floor<days>(wall);
  const year_month_day date(today);
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
  return {day * kSecondsPerDay + (wall - today).count() - duration.hours * kSecondsPerHour -
              std::int64_t{utc_offset_minutes} * 60,
          when.nanoseconds};
}

}  // namespace cairn::repo::ops
