#include "text/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace cairn::cli {
namespace {

constexpr std::uint32_t kLastNanosecond = core::kNanosecondsPerSecond - 1;

/// Consumes a text from the front.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  bool take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  /// Exactly `digits` digits with a value in [low, high].
  std::optional<int> number(std::size_t digits, int low, int high) {
    if (rest_.size() < digits) {
      return std::nullopt;
    }
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') {
        return std::nullopt;
      }
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value >= low && value <= high ? std::optional(value) : std::nullopt;
  }

  /// Digits after the point, as nanoseconds; further digits are dropped.
  std::optional<std::uint32_t> fraction() {
    std::uint32_t value = 0;
    std::uint32_t weight = core::kNanosecondsPerSecond / 10;
    bool any = false;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value += weight * static_cast<std::uint32_t>(rest_.front() - '0');
      weight /= 10;
      rest_.remove_prefix(1);
      any = true;
    }
    return any ? std::optional(value) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

/// "Z" or "+01:00"; false if there is something else.
bool read_offset(Reader& reader, Moment& moment) {
  if (reader.at_end()) {
    return true;
  }
  if (reader.take("Zz")) {
    moment.utc_offset_minutes = 0;
    return true;
  }
  const bool west = reader.take("-");
  if (!west && !reader.take("+")) {
    return false;
  }
  const auto hours = reader.number(2, 0, 23);
  if (!hours || !reader.take(":")) {
    return false;
  }
  const auto minutes = reader.number(2, 0, 59);
  if (!minutes) {
    return false;
  }
  const int offset = *hours * 60 + *minutes;
  moment.utc_offset_minutes = west ? -offset : offset;
  return true;
}

/// The part after the date: false if it is no time.
bool read_time(Reader& reader, Moment& moment) {
  const auto hour = reader.number(2, 0, 23);
  if (!hour || !reader.take(":")) {
    return false;
  }
  const auto minute = reader.number(2, 0, 59);
  if (!minute) {
    return false;
  }
  moment.wall_seconds += *hour * 3600 + *minute * 60;
  moment.nanoseconds = kLastNanosecond;
  if (reader.take(":")) {
    const auto second = reader.number(2, 0, 60);  // RFC 3339 has leap seconds
    if (!second) {
      return false;
    }
    moment.wall_seconds += std::min(*second, 59);
    if (reader.take(".")) {
      const auto fraction = reader.fraction();
      if (!fraction) {
        return false;
      }
      moment.nanoseconds = *fraction;
    }
  }
  return read_offset(reader, moment);
}

}  // namespace

std::string format_local_time(core::Timestamp when, core::Clock& clock) {
  std::string text = core::format_rfc3339(when, clock.utc_offset_minutes(when));
  constexpr std::size_t kDateBytes = 10;
  constexpr std::size_t kSecondsEnd = 19;
  if (text.size() > kSecondsEnd && text[kDateBytes] == 'T') {
    text[kDateBytes] = ' ';
    text.resize(kSecondsEnd);
  }
  return text;
}

std::string format_duration(std::uint64_t nanoseconds) {
  const double exact = static_cast<double>(nanoseconds) / core::kNanosecondsPerSecond;
  if (exact < 9.95) {
    return fmt::format("{:.1f} s", exact);
  }
  const auto seconds = static_cast<std::uint64_t>(exact + 0.5);
  if (seconds < 60) {
    return fmt::format("{} s", seconds);
  }
  if (seconds < 3600) {
    return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  }
  return fmt::format("{} h {:02} min", seconds / 3600, seconds % 3600 / 60);
}

std::string format_countdown(std::uint64_t seconds) {
  if (seconds < 3600) {
    return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  }
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60);
}

std::optional<Moment> parse_moment(std::string_view text) {
  Reader reader(text);
  const auto year = reader.number(4, 1, 9999);
  if (!year || !reader.take("-")) {
    return std::nullopt;
  }
  const auto month = reader.number(2, 1, 12);
  if (!month || !reader.take("-")) {
    return std::nullopt;
  }
  const auto day = reader.number(2, 1, 31);
  if (!day) {
    return std::nullopt;
  }
  const auto date = std::chrono::year(*year) / *month / *day;
  if (!date.ok()) {
    return std::nullopt;
  }
  Moment moment;
  moment.wall_seconds =
      std::chrono::sys_seconds(std::chrono::sys_days(date)).time_since_epoch().count();
  if (reader.at_end()) {
    return moment;
  }
  if (!reader.take(" Tt") || !read_time(reader, moment) || !reader.at_end()) {
    return std::nullopt;
  }
  return moment;
}

core::Timestamp resolve(const Moment& moment, core::Clock& clock) {
  const auto with_offset = [&moment](int minutes) {
    return core::Timestamp{moment.wall_seconds - std::int64_t{minutes} * 60, moment.nanoseconds};
  };
  if (moment.utc_offset_minutes) {
    return with_offset(*moment.utc_offset_minutes);
  }
  // The offset depends on the time that is sought: guess, then correct once. In the hour that a
  // change of clocks repeats or skips, either answer is as good as the other.
  const int guess = clock.utc_offset_minutes(with_offset(0));
  return with_offset(clock.utc_offset_minutes(with_offset(guess)));
}

}  // namespace cairn::cli
