#pragma once

#include <cstdint>
#include <string>

#include "cairn/core/clock.h"
#include "cairn/repo/retention.h"

/// Days, weeks and months of snapshots, in the time zone that each recorded. Pure.
namespace cairn::repo::ops {

enum class SlotLength : std::uint8_t { hour, day, week, month, year };

/// The slot of a moment: "2026-03-01 14:00", "2026-03-01", "2026-W09", "2026-03", "2026". Two
/// moments are in one slot if and only if the texts are equal.
[[nodiscard]] std::string slot_of(SlotLength length, core::Timestamp when, int utc_offset_minutes);

/// The moment that is `duration` before `when`: years and months first, then days, by the calendar
/// of that time zone, then hours. A day that the month does not have runs over into the next month:
/// a month before March 31st is March 3rd (or 2nd). Before the year 1: the smallest moment.
[[nodiscard]] core::Timestamp moment_before(core::Timestamp when, int utc_offset_minutes,
                                            const RetentionDuration& duration);

}  // namespace cairn::repo::ops
