#pragma once

#include <string>

namespace cairn::test {

/// The folder that an object lies in; "." for a bare name.
[[nodiscard]] inline std::string parent_path(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace cairn::test
