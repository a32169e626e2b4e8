#pragma once

#include <string_view>

namespace cairn::core {

/// Version of the software, such as "0.1.0". The on-disk format has its own version.
[[nodiscard]] std::string_view version() noexcept;

/// Abbreviated git commit the library was configured from, or "unknown" outside a clone.
[[nodiscard]] std::string_view revision() noexcept;

}  // namespace cairn::core
