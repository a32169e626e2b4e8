#pragma once

#include "cairn/core/result.h"

namespace cairn::repo::ops {

/// True of what ends the whole verb, unlike what is wrong with one object: that is told, and the
/// work goes on.
[[nodiscard]] constexpr bool ends_everything(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::no_space || code == core::ErrorCode::interrupted ||
         code == core::ErrorCode::not_permitted || code == core::ErrorCode::internal;
}

}  // namespace cairn::repo::ops
