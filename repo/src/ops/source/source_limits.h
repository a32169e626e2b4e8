#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cairn/core/result.h"

/// What a snapshot can list about its sources; checked before anything is read. Errors:
/// limit_exceeded.
namespace cairn::repo::ops {

/// Checks the length of a path and of each name in it. `path` begins with '/'.
[[nodiscard]] core::Status check_source_path(const std::string& path);

/// Checks their number and the sum of their lengths.
[[nodiscard]] core::Status check_source_list(const std::vector<std::string>& paths);

/// How much of a path is shown in messages about paths of any length.
inline constexpr std::size_t kShownPathBytes = 200;

}  // namespace cairn::repo::ops
