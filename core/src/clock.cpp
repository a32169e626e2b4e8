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

constexpr std::int64_t kYear0000 = -62'167'219'200;      // 0000-01-01T00:00:00Z
constexpr std::int64_t kYear9999Last = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int kOffsetMinutesMax = 23 * 60 + 59;

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
  const std::chrono::sys_seconds local{std::chrono::seconds(when.seconds + offset_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const auto second = (local - day).count();
  const std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  second / 3600, second / 60 % 60, second % 60);
  if (offset == 0) {
    return text + "Z";
  }
  const int minutes = std::abs(offset);
  return fmt::format("{}{}{:02}:{:02}", text, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace cairn::core
