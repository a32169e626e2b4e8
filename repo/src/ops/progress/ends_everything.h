#pragma once

#include "cairn/core/result.h"

namespace cairn::repo::ops {

/// True for errors that end the whole verb, unlike those of one object, which are reported while
/// the work goes on.
[[nodiscard]] constexpr bool ends_everything(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::no_space || code == core::ErrorCode::interrupted ||
         code == core::ErrorCode::not_permitted || code == core::ErrorCode::internal;
}

}  // namespace cairn::repo::ops
