#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::cli {

/// Columns of text under a line of headings, separated by two spaces, as wide as their widest cell.
/// Cells are printed as they are: escape them first.
class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string heading;
    Align align = Align::left;
    /// If there is too little space, the column with the highest number is dropped first; 0 is
    /// never dropped.
    unsigned dropped_first = 0;
  };

  explicit Table(std::vector<Column> columns);

  /// Requires one cell for each column.
  void add(std::vector<std::string> cells);

  /// All lines, headings first, without trailing spaces. If they would take more columns of the
  /// terminal than `width`, some columns of the table are left out; 0: there is no limit.
  [[nodiscard]] std::vector<std::string> lines(std::size_t width = 0) const;

 private:
  [[nodiscard]] std::vector<std::size_t> columns_that_fit(const std::vector<std::size_t>& widths,
                                                          std::size_t width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cairn::cli
