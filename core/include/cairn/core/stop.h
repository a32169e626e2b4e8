#pragma once

#include <stop_token>

#include "cairn/core/result.h"

namespace cairn::core {

[[nodiscard]] inline tl::unexpected<Error> interrupted() {
  return fail(ErrorCode::interrupted, "interrupted");
}

/// Between two steps of long work. Errors: interrupted.
[[nodiscard]] inline Status check_stop(const std::stop_token& stop) {
  if (stop.stop_requested()) {
    return interrupted();
  }
  return {};
}

}  // namespace cairn::core
