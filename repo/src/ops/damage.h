#pragma once

#include "cairn/core/result.h"

namespace cairn::repo::ops {

/// True if an object cannot be read now or later, by this program. Such damage is collected while
/// the work goes on; of anything else nobody knows whether it will be the same next time.
[[nodiscard]] inline bool is_damage(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::corrupt || code == core::ErrorCode::limit_exceeded ||
         code == core::ErrorCode::unsupported_version;
}

}  // namespace cairn::repo::ops
