#pragma once

#include <chrono>
#include <mutex>

#include "cairn/core/clock.h"

namespace cairn::test {

/// Time stands still until the test moves it. Thread-safe.
class FakeClock final : public core::Clock {
 public:
  /// 2026-01-01T12:00:00Z unless told otherwise.
  explicit FakeClock(core::Timestamp start = {1'767'268'800, 0}) : now_(start) {}

  core::Timestamp now() override {
    const std::scoped_lock lock(mutex_);
    return now_;
  }
  std::uint64_t monotonic_ns() override {
    const std::scoped_lock lock(mutex_);
    monotonic_ns_ += tick_ns_;
    return monotonic_ns_;
  }
  std::uint64_t thread_waits() override { return 0; }
  void pause(std::uint64_t nanoseconds) override { advance(std::chrono::nanoseconds(nanoseconds)); }
  int utc_offset_minutes(core::Timestamp /*when*/) override {
    const std::scoped_lock lock(mutex_);
    return utc_offset_minutes_;
  }

  /// Lets time pass on both clocks.
  void advance(std::chrono::nanoseconds by) {
    const std::scoped_lock lock(mutex_);
    monotonic_ns_ += static_cast<std::uint64_t>(by.count());
    const std::int64_t ns = std::int64_t{now_.nanoseconds} + by.count();
    now_.seconds += ns / core::kNanosecondsPerSecond;
    now_.nanoseconds = static_cast<std::uint32_t>(ns % core::kNanosecondsPerSecond);
  }
  /// Sets the wall clock alone, forwards or backwards, as an administrator or NTP does.
  void set_now(core::Timestamp when) {
    const std::scoped_lock lock(mutex_);
    now_ = when;
  }
  /// From now on each look at the monotonic clock takes that long: whatever is due after a time is
  /// due at every opportunity.
  void set_tick(std::chrono::nanoseconds tick) {
    const std::scoped_lock lock(mutex_);
    tick_ns_ = static_cast<std::uint64_t>(tick.count());
  }
  void set_utc_offset_minutes(int minutes) {
    const std::scoped_lock lock(mutex_);
    utc_offset_minutes_ = minutes;
  }

 private:
  std::mutex mutex_;
  core::Timestamp now_;
  std::uint64_t monotonic_ns_ = 1'000'000'000;
  std::uint64_t tick_ns_ = 0;
  int utc_offset_minutes_ = 0;
};

}  // namespace cairn::test
