#pragma once

#include <string>
#include <string_view>

namespace cairn::cli {

/// The absolute spelling of a path: no ".", no doubled or trailing '/'. Symbolic links stay as they
/// are, unless a ".." follows: then the part before is looked up, since "link/.." is not the folder
/// that holds the link. If it cannot be looked up, ".." takes away the name before it.
/// `working_folder` is absolute.
[[nodiscard]] std::string absolute_path(std::string_view path, std::string_view working_folder);

}  // namespace cairn::cli
