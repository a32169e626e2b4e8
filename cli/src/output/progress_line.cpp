#include "output/progress_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/core/clock.h"
#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

namespace cairn::cli {
namespace {

constexpr std::uint64_t kUpdateEveryNs = core::kNanosecondsPerSecond / 10;
/// A rate or an estimate from less time than this is noise.
constexpr std::uint64_t kMeaningfulNs = core::kNanosecondsPerSecond;

double fraction_done(const repo::Progress& progress) {
  return std::min(
      1.0, static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total));
}

std::string figures(const repo::Progress& progress, std::uint64_t elapsed_ns) {
  const bool bytes_known = progress.bytes_total > 0;
  std::string text;
  if (bytes_known) {
    text += fmt::format("{:3}%  ", static_cast<int>(fraction_done(progress) * 100));
  }
  const std::string_view unit = progress.counts_packs ? "pack" : "file";
  text += progress.files_total > 0
              ? fmt::format("{}/{} {}s", progress.files_done, progress.files_total, unit)
              : format_count(progress.files_done, unit);
  text += "  " + format_size(progress.bytes_done);
  if (bytes_known) {
    text += " of " + format_size(progress.bytes_total);
  }
  const double seconds = static_cast<double>(elapsed_ns) / core::kNanosecondsPerSecond;
  if (elapsed_ns >= kMeaningfulNs && progress.bytes_done > 0) {
    const double rate = static_cast<double>(progress.bytes_done) / seconds;
    text += fmt::format("  {}/s", format_size(static_cast<std::uint64_t>(rate)));
    if (bytes_known && progress.bytes_done < progress.bytes_total) {
      const double left = static_cast<double>(progress.bytes_total - progress.bytes_done) / rate;
      // Beyond a hundred days the estimate is meaningless, and must not overflow.
      text += left < 8.64e6 ? "  ETA " + format_countdown(static_cast<std::uint64_t>(left + 0.5))
                            : std::string();
    }
  }
  if (progress.problems > 0) {
    text += "  " + format_count(progress.problems, "problem");
  }
  return text;
}

}  // namespace

std::string render_progress(const repo::Progress& progress, std::uint64_t elapsed_ns,
                            std::size_t columns) {
  std::string line = figures(progress, elapsed_ns);
  const std::size_t width = display_width(line);
  if (width > columns) {
    return std::string(shorten_to_head(line, columns));
  }
  if (!progress.counts_packs && !progress.current_path.empty() && width + 2 < columns) {
    const std::string path =
        shorten_to_tail(escape_name(progress.current_path), columns - width - 2);
    line += path.empty() ? "" : "  " + path;
  }
  return line;
}

bool UpdateLimit::allows(std::uint64_t now_ns) noexcept {
  if (any_ && now_ns - last_ns_ < kUpdateEveryNs) {
    return false;
  }
  any_ = true;
  last_ns_ = now_ns;
  return true;
}

}  // namespace cairn::cli
