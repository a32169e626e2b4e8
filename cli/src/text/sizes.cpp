#include "text/sizes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cairn::cli {

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
    unit.remove_prefix(1);
    if (unit == "B") {
      value *= std::pow(1000.0, static_cast<double>(power + 1));
    } else {
      value = std::ldexp(value, static_cast<int>(10 * (power + 1)));
      unit.remove_prefix(unit.starts_with("iB") ? 1 : 0);
    }
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
