#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/core/size_text.h"

/// Numbers for people. JSON has bytes and plain numbers instead.
namespace cairn::cli {

using core::format_size;

/// "500", "10K", "1.5M", "2GiB": powers of 1024; "3 TB", "5kB": powers of 1000. nullopt if the text
/// is anything else or the size above 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// "1 file", "2 files", "0 files". The plural takes an s.
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view singular);

}  // namespace cairn::cli
