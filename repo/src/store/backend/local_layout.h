#pragma once

#include <string>
#include <string_view>

#include "cairn/core/file_system.h"
#include "cairn/core/result.h"

/// What a repository on a file system contains, besides objects.
namespace cairn::repo::store {

inline constexpr std::string_view kTemporaryFolder = "tmp";
inline constexpr std::string_view kReserveFile = "reserve";

/// "/" becomes empty, so that joining with '/' always gives a path.
[[nodiscard]] std::string without_trailing_slashes(std::string path);

/// Makes a folder (succeeds if it exists) and shares it. A folder of another owner stays as it is.
core::Status make_shared_folder(core::FileSystem& file_system, const std::string& path,
                                core::Sharing sharing);

}  // namespace cairn::repo::store
