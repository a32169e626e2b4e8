#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "command_line/usage_error.h"
#include "text/times.h"

/// Values of options that several commands have: the typed text becomes a value, or an error that
/// says what is wrong with it.
namespace cairn::cli {

/// "90", "90s", "5min", "2h", "1d", "1w": seconds. nullopt for any other text, or for zero. "5m" is
/// refused, because in policies it means months.
[[nodiscard]] std::optional<std::uint64_t> parse_duration(std::string_view text);

/// "1%", "0.5%" or "0.01": a part of the whole, 0 to 1.
[[nodiscard]] std::optional<double> parse_part(std::string_view text);

// These do not change their output if nothing was typed.

[[nodiscard]] std::optional<UsageError> take_duration(std::string_view option,
                                                      const std::string& text,
                                                      std::uint64_t& seconds);
[[nodiscard]] std::optional<UsageError> take_moment(std::string_view option,
                                                    const std::string& text,
                                                    std::optional<Moment>& moment);

/// "fast", "default", "max", or a number.
[[nodiscard]] std::optional<UsageError> take_compression(const std::string& text, int& level);

/// Reports the first broken pattern.
[[nodiscard]] std::optional<UsageError> check_patterns(std::string_view option,
                                                       std::span<const std::string> patterns);

}  // namespace cairn::cli
