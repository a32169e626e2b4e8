#include "text/sizes.h"

#include <cstdint>

#include "catch2.h"

namespace cairn::cli {
namespace {

TEST_CASE("sizes have units of 1024 and one digit after the point") {
  CHECK(format_size(0) == "0 B");
  CHECK(format_size(1) == "1 B");
  CHECK(format_size(1023) == "1023 B");
  CHECK(format_size(1024) == "1.0 KiB");
  CHECK(format_size(1536) == "1.5 KiB");
  CHECK(format_size(1024 * 1024) == "1.0 MiB");
  CHECK(format_size(std::uint64_t{5} << 30) == "5.0 GiB");
  CHECK(format_size(std::uint64_t{3} << 40) == "3.0 TiB");
  CHECK(format_size(UINT64_MAX) == "16.0 EiB");
}

TEST_CASE("no size is written as 1024.0 of a unit") {
  CHECK(format_size(1024 * 1024 - 1) == "1.0 MiB");
  CHECK(format_size(1023 * 1024) == "1023.0 KiB");
  CHECK(format_size((std::uint64_t{1} << 30) - 1) == "1.0 GiB");
}

TEST_CASE("counts agree with their nouns") {
  CHECK(format_count(0, "file") == "0 files");
  CHECK(format_count(1, "file") == "1 file");
  CHECK(format_count(2, "file") == "2 files");
}

}  // namespace
}  // namespace cairn::cli
