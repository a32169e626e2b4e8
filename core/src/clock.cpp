#include "cairn/core/clock.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace cairn::core {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kYear0000 = -62'167'219'200;      // 0000-01-01T00:00:00Z
constexpr std::int64_t kYear9999Last = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int kOffsetMinutesMax = 23 * 60 + 59;

struct Date {
  std::int64_t year;
  std::int64_t month;
  std::int64_t day;
};

// Proleptic Gregorian calendar. Years start in March here, so that the leap day comes last;
// eras are the calendar's period of 400 years = 146,097 days. `days` counts from 1970-01-01 and
// is not before the year 0000.
Date date_of_days(std::int64_t days) {
  const std::int64_t shifted = days + 719'468 + 146'097;  // from -400-03-01, hence never negative
  const std::int64_t era = shifted / 146'097;
  const std::int64_t day_of_era = shifted % 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  const std::int64_t year = (era - 1) * 400 + year_of_era + (month <= 2 ? 1 : 0);
  return {year, month, day_of_year - (153 * march_month + 2) / 5 + 1};
}

timespec read_clock(clockid_t id) {
  timespec value{};
  // Cannot fail: both clocks always exist and the pointer is valid.
  static_cast<void>(::clock_gettime(id, &value));
  return value;
}

}  // namespace

Timestamp SystemClock::now() {
  const timespec value = read_clock(CLOCK_REALTIME);
  return {value.tv_sec, static_cast<std::uint32_t>(value.tv_nsec)};
}

std::uint64_t SystemClock::monotonic_ns() {
  const timespec value = read_clock(CLOCK_MONOTONIC);
  return static_cast<std::uint64_t>(value.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(value.tv_nsec);
}

std::uint64_t SystemClock::thread_waits() {
  struct rusage usage {};
  static_cast<void>(::getrusage(RUSAGE_THREAD, &usage));  // fails only for a bad first argument
  return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

void SystemClock::pause(std::uint64_t nanoseconds) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(nanoseconds));
}

int SystemClock::utc_offset_minutes(Timestamp when) {
  // localtime_r is not required to read TZ.
  ::tzset();
  const std::time_t seconds = when.seconds;
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) {
    return 0;
  }
  return static_cast<int>(local.tm_gmtoff / 60);
}

std::string format_rfc3339(Timestamp when, int utc_offset_minutes) {
  const int offset = std::clamp(utc_offset_minutes, -kOffsetMinutesMax, kOffsetMinutesMax);
  const std::int64_t offset_seconds = std::int64_t{offset} * 60;
  if (when.seconds < kYear0000 - offset_seconds || when.seconds > kYear9999Last - offset_seconds) {
    return fmt::format("@{}", when.seconds);
  }
  const std::int64_t local = when.seconds + offset_seconds - kYear0000;
  const Date date = date_of_days(local / kSecondsPerDay + kYear0000 / kSecondsPerDay);
  const std::int64_t second = local % kSecondsPerDay;
  const std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month,
                                       date.day, second / 3600, second / 60 % 60, second % 60);
  if (offset == 0) {
    return text + "Z";
  }
  const int minutes = std::abs(offset);
  return fmt::format("{}{}{:02}:{:02}", text, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace cairn::core
