#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/core/clock.h"

namespace cairn::cli {

/// "2026-01-01 14:30:05" in the time zone of this machine.
[[nodiscard]] std::string format_local_time(core::Timestamp when, core::Clock& clock);

/// "0.4 s", "12 s", "3 min 05 s", "2 h 07 min".
[[nodiscard]] std::string format_duration(std::uint64_t nanoseconds);

/// "0:05", "3:05", "2:07:00": the remaining time in a progress line.
[[nodiscard]] std::string format_countdown(std::uint64_t seconds);

/// A point in time as the user typed it.
struct Moment {
  std::int64_t wall_seconds = 0;  ///< what the digits say, read as UTC
  std::uint32_t nanoseconds = 0;
  std::optional<int> utc_offset_minutes;  ///< nullopt: local time

  friend bool operator==(const Moment&, const Moment&) = default;
};

/// "2026-01-01", "2026-01-01 14:30", "2026-01-01 14:30:05", and RFC 3339 with a 'T', a fraction and
/// an offset. A date alone is its first moment; whole seconds mean the end of that second, because
/// every time that Cairn shows is cut to the second. nullopt for any other text.
[[nodiscard]] std::optional<Moment> parse_moment(std::string_view text);

[[nodiscard]] core::Timestamp resolve(const Moment& moment, core::Clock& clock);

}  // namespace cairn::cli
