#include "cairn/core/version.h"

#include <algorithm>

#include "catch2.h"

namespace cairn::core {
namespace {

TEST_CASE("version has three numeric parts") {
  const auto text = version();
  CHECK(std::count(text.begin(), text.end(), '.') == 2);
  CHECK(text.find_first_not_of("0123456789.") == std::string_view::npos);
}

TEST_CASE("revision is never empty") { CHECK_FALSE(revision().empty()); }

}  // namespace
}  // namespace cairn::core
