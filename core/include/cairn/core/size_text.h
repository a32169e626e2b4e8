#pragma once

#include <cstdint>
#include <string>

namespace cairn::core {

/// "0 B", "1023 B", "1.0 KiB", "12.3 MiB": for messages. Powers of 1024, one digit after the point.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace cairn::core
