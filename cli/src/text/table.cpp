#include "text/table.h"

#include <algorithm>
#include <gsl/assert>
#include <numeric>
#include <utility>

#include "text/escape.h"

namespace cairn::cli {

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::vector<std::string> headings;
  for (const Column& column : columns_) {
    headings.push_back(column.heading);
  }
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> cells) {
  Expects(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::columns_that_fit(const std::vector<std::size_t>& widths,
                                                 std::size_t width) const {
  std::vector<std::size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  const auto total = [&widths, &shown] {
    std::size_t sum = 0;
    for (const std::size_t i : shown) {
      sum += widths[i] + 2;
    }
    return sum - std::min<std::size_t>(sum, 2);
  };
  while (width > 0 && total() > width) {
    const auto next = std::ranges::max_element(
        shown, {}, [this](std::size_t i) { return columns_[i].dropped_first; });
    if (next == shown.end() || columns_[*next].dropped_first == 0) {
      break;
    }
    shown.erase(next);
  }
  return shown;
}

std::vector<std::string> Table::lines(std::size_t width) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  const std::vector<std::size_t> shown = columns_that_fit(widths, width);
  std::vector<std::string> lines;
  for (const auto& row : rows_) {
    std::string line;
    for (const std::size_t i : shown) {
      const std::string blanks(widths[i] - display_width(row[i]), ' ');
      line += i == shown.front() ? "" : "  ";
      line += columns_[i].align == Align::right ? blanks + row[i] : row[i] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace cairn::cli
