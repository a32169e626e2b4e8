#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cairn/core/result.h"

/// What a snapshot can list of its sources; checked before anything is read. Errors:
/// limit_exceeded.
namespace cairn::repo::ops {

/// Its length, and that of each name in it. `path` begins with '/'.
[[nodiscard]] core::Status check_source_path(const std::string& path);

/// How many there are, and their lengths together.
[[nodiscard]] core::Status check_source_list(const std::vector<std::string>& paths);

/// How much of a path stands in messages about paths that may be of any length.
inline constexpr std::size_t kShownPathBytes = 200;

}  // namespace cairn::repo::ops
