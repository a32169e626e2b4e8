#pragma once

#include <string>
#include <string_view>

#include "cairn/core/result.h"
#include "io/streams.h"

namespace cairn::cli {

/// The absolute spelling of a path: no ".", no doubled or trailing '/'. Symbolic links stay as they
/// are, unless a ".." follows: then the part before it is looked up, since "link/.." is not the
/// folder that contains the link. If it cannot be looked up, ".." removes the name before it.
/// `working_folder` is absolute.
[[nodiscard]] std::string absolute_path(std::string_view path, std::string_view working_folder);

/// The same from the working folder of the program. invalid_argument for a relative path if the
/// working folder is gone: its meaning is then unknown, and it must not become something below "/".
[[nodiscard]] core::Result<std::string> absolute_path(std::string_view path,
                                                      const Streams& streams);

/// For a path that is used as typed: invalid_argument as above.
[[nodiscard]] core::Status check_path(std::string_view path, const Streams& streams);

}  // namespace cairn::cli
