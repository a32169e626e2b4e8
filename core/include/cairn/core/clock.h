#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace cairn::core {

/// A point in time since 1970-01-01T00:00:00Z; nanoseconds count forward from the second, also
/// for times before 1970.
struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  ///< 0 .. 999,999,999

  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

inline constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

/// Time, passed in so that tests have no wall clock. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() = 0;
  /// Nanoseconds of a clock that never goes back; only differences are meaningful.
  virtual std::uint64_t monotonic_ns() = 0;
  /// How often the calling thread has stopped by itself so far, waiting for a disk, a lock or
  /// another thread. Losing the processor to others does not count.
  virtual std::uint64_t thread_waits() = 0;
  /// Lets time pass: at least this many nanoseconds of monotonic_ns().
  virtual void pause(std::uint64_t nanoseconds) = 0;
  /// The local time zone's offset east of UTC at `when`, in minutes.
  virtual int utc_offset_minutes(Timestamp when) = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() override;
  std::uint64_t monotonic_ns() override;
  std::uint64_t thread_waits() override;
  void pause(std::uint64_t nanoseconds) override;
  int utc_offset_minutes(Timestamp when) override;
};

/// RFC 3339 with an explicit offset, to the second: 2026-01-01T14:30:00+01:00 ("Z" for 0). Accepts
/// any value, because both arguments may come from a hostile snapshot: an offset of a day or more
/// becomes 23:59 (the instant stays the same), and a year that RFC 3339 cannot write (before 0000
/// or after 9999) becomes "@" and the seconds since 1970.
[[nodiscard]] std::string format_rfc3339(Timestamp when, int utc_offset_minutes);

}  // namespace cairn::core
