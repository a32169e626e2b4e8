#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "catch2.h"

namespace cairn::test {

/// The number of what is there: a file that was changed in place keeps it.
inline std::uint64_t inode_of(const std::string& path) {
  struct ::stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_ino;
}

}  // namespace cairn::test
