#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Numbers for people. JSON carries bytes and plain numbers instead.
namespace cairn::cli {

/// "0 B", "1023 B", "1.0 KiB", "12.3 MiB": powers of 1024, one digit after the point.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// "1 file", "2 files", "0 files". The plural takes an s.
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view singular);

}  // namespace cairn::cli
