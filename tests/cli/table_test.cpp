#include "text/table.h"

#include <string>
#include <vector>

#include "catch2.h"

namespace cairn::cli {
namespace {

TEST_CASE("columns are as wide as their widest cell, without blanks at the ends of lines") {
  using Align = Table::Align;
  Table table({{"ID"}, {"SIZE", Align::right}, {"PATH"}});
  table.add({"1a", "5 B", "/a"});
  table.add({"1a2b3c", "12.0 KiB", ""});
  CHECK(table.lines() == std::vector<std::string>{"ID          SIZE  PATH",  //
                                                  "1a           5 B  /a",    //
                                                  "1a2b3c  12.0 KiB"});
}

TEST_CASE("wide characters take two columns") {
  Table table({{"A"}, {"B"}});
  table.add({"日本", "x"});
  table.add({"abcd", "y"});
  CHECK(table.lines() == std::vector<std::string>{"A     B", "日本  x", "abcd  y"});
}

}  // namespace
}  // namespace cairn::cli
