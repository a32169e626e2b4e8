#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Numbers for people. JSON carries bytes and plain numbers instead.
namespace cairn::cli {

/// "0 B", "1023 B", "1.0 KiB", "12.3 MiB": powers of 1024, one digit after the point.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// "500", "10K", "1.5M", "2GiB", "3 TB": powers of 1024, whatever the unit is spelled like. nullopt
/// if the text is anything else or the size above 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// "1 file", "2 files", "0 files". The plural takes an s.
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view singular);

}  // namespace cairn::cli
