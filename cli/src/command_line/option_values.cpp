#include "command_line/option_values.h"

#include <fmt/format.h>

#include <charconv>

#include "cairn/repo/backup.h"
#include "cairn/repo/path_filter.h"

namespace cairn::cli {
namespace {

std::optional<int> parse_compression_level(std::string_view text) {
  if (text == "fast") {
    return repo::kCompressionFast;
  }
  if (text == "default") {
    return repo::kCompressionDefault;
  }
  if (text == "max") {
    return repo::kCompressionMax;
  }
  int level = -1;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, level);
  const bool valid =
      error == std::errc() && stopped == end && level >= 0 && level <= repo::kCompressionMax;
  return valid ? std::optional(level) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_duration(std::string_view text) {
  constexpr std::uint64_t kSecondsMax = 1'000'000'000;
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value == 0 || value > kSecondsMax) {
    return std::nullopt;
  }
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  std::uint64_t seconds = 0;
  if (unit.empty() || unit == "s") {
    seconds = value;
  } else if (unit == "min") {
    seconds = value * 60;
  } else if (unit == "h") {
    seconds = value * 3600;
  } else if (unit == "d") {
    seconds = value * 86400;
  } else if (unit == "w") {
    seconds = value * 7 * 86400;
  }
  return seconds != 0 && seconds <= kSecondsMax ? std::optional(seconds) : std::nullopt;
}

std::optional<double> parse_part(std::string_view text) {
  const bool percent = text.ends_with('%');
  text.remove_suffix(percent ? 1 : 0);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  value = percent ? value / 100 : value;
  // Written so that a NaN is refused.
  const bool valid = error == std::errc() && stopped == end && value >= 0 && value <= 1;
  return valid ? std::optional(value) : std::nullopt;
}

std::optional<UsageError> take_duration(std::string_view option, const std::string& text,
                                        std::uint64_t& seconds) {
  if (text.empty()) {
    return std::nullopt;
  }
  const auto parsed = parse_duration(text);
  if (!parsed) {
    return usage_error(fmt::format("{} {}: must be a time such as 90s, 30min, 2h, 1d or 1w{}",
                                   option, text, text.ends_with('m') ? "; m would be months" : ""));
  }
  seconds = *parsed;
  return std::nullopt;
}

std::optional<UsageError> take_moment(std::string_view option, const std::string& text,
                                      std::optional<Moment>& moment) {
  if (text.empty()) {
    return std::nullopt;
  }
  moment = parse_moment(text);
  if (moment) {
    return std::nullopt;
  }
  return usage_error(fmt::format(
      "{} {}: is no time; write \"2026-01-01 14:30\" or 2026-01-01T14:30:00+01:00", option, text));
}

std::optional<UsageError> take_compression(const std::string& text, int& level) {
  const auto parsed = parse_compression_level(text);
  if (!parsed) {
    return usage_error(
        fmt::format("--compression {}: must be fast, default, max, or a number from 0 to {}", text,
                    repo::kCompressionMax));
  }
  level = *parsed;
  return std::nullopt;
}

std::optional<UsageError> check_patterns(std::string_view option,
                                         std::span<const std::string> patterns) {
  repo::PathFilter filter;
  for (const std::string& pattern : patterns) {
    if (const auto added = filter.add_exclude(pattern); !added) {
      return usage_error(fmt::format("{} {}: {}", option, pattern, added.error().message()));
    }
  }
  return std::nullopt;
}

}  // namespace cairn::cli
