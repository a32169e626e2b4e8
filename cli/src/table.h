#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::cli {

/// Columns of text under a line of headings, two blanks between them, as wide as their widest cell.
/// Cells are printed as they are: escape them first.
class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string heading;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns);

  /// Requires one cell for each column.
  void add(std::vector<std::string> cells);

  /// All lines, headings first, without blanks at their ends.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cairn::cli
