#include "sizes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace cairn::cli {

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  // 1023.95 and more would be written as "1024.0".
  constexpr double kNextUnit = 1023.95;
  if (bytes < 1024) {
    return fmt::format("{} B", bytes);
  }
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= kNextUnit && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGTPE";
  constexpr double kSizeMax = 9'223'372'036'854'775'808.0;  // 2^63
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  double value = 0;
  const auto [stopped, error] =
      std::from_chars(text.data(), text.data() + end, value, std::chars_format::fixed);
  if (end == 0 || error != std::errc() || stopped != text.data() + end) {
    return std::nullopt;
  }
  std::string_view unit = text.substr(end);
  unit.remove_prefix(unit.starts_with(' ') ? 1 : 0);
  if (!unit.empty() && unit[0] != 'B') {
    const char letter = static_cast<char>(unit[0] >= 'a' ? unit[0] - 'a' + 'A' : unit[0]);
    const std::size_t power = kUnits.find(letter);
    if (power == std::string_view::npos) {
      return std::nullopt;
    }
    value = std::ldexp(value, static_cast<int>(10 * (power + 1)));
    unit.remove_prefix(1);
    unit.remove_prefix(unit.starts_with("iB") ? 1 : 0);
  }
  if ((!unit.empty() && unit != "B") || value >= kSizeMax) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(value);
}

std::string format_count(std::uint64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

}  // namespace cairn::cli
