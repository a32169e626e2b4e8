#pragma once

#include <string>
#include <string_view>

namespace cairn::core {

/// The folder that a path lies in: "." for a name alone, "/" for what lies in the root.
[[nodiscard]] inline std::string parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    return ".";
  }
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace cairn::core
