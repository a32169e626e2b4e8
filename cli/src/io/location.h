#pragma once

#include <string>
#include <string_view>

#include "cairn/core/result.h"
#include "io/streams.h"

namespace cairn::cli {

/// The folder that a repository's location names: a path, or one behind "file:". What looks like a
/// kind of storage ("s3:bucket", "host:/path") is refused, as is a "~" that no shell has replaced:
/// a local folder of that name is hardly what was meant; "./" before it says that it is.
/// `origin` is where it was given: "--repo". Errors: invalid_argument.
[[nodiscard]] core::Result<std::string> local_location(std::string_view origin,
                                                       const std::string& location,
                                                       const Streams& streams);

}  // namespace cairn::cli
