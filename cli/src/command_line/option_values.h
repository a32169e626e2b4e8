#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "command_line/usage_error.h"
#include "text/times.h"

/// Values that options of several commands have: from the word that was typed, or what is wrong
/// with it.
namespace cairn::cli {

/// "90", "90s", "5min", "2h", "1d", "1w": seconds. nullopt if the text is anything else, or no time
/// at all. "5m" is none: where policies are written it is months.
[[nodiscard]] std::optional<std::uint64_t> parse_duration(std::string_view text);

/// "1%", "0.5%" or "0.01": a part of the whole, 0 to 1.
[[nodiscard]] std::optional<double> parse_part(std::string_view text);

// These leave alone what they fill if nothing was typed.

[[nodiscard]] std::optional<UsageError> take_duration(std::string_view option,
                                                      const std::string& text,
                                                      std::uint64_t& seconds);
[[nodiscard]] std::optional<UsageError> take_moment(std::string_view option,
                                                    const std::string& text,
                                                    std::optional<Moment>& moment);

/// "fast", "default", "max", or a number.
[[nodiscard]] std::optional<UsageError> take_compression(const std::string& text, int& level);

/// The first pattern that is broken.
[[nodiscard]] std::optional<UsageError> check_patterns(std::string_view option,
                                                       std::span<const std::string> patterns);

}  // namespace cairn::cli
