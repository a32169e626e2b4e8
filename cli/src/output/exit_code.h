#pragma once

#include <cstdint>

#include "cairn/core/result.h"

namespace cairn::cli {

/// The program's exit statuses. Scripts depend on the numbers: they never change.
enum class ExitCode : std::uint8_t {
  ok = 0,
  failed = 1,
  usage = 2,
  partial = 3,  ///< done, but something was not read, or not completely, or not as expected
  damage = 4,   ///< verify found damage
  no_repository = 10,
  busy = 11,
  wrong_key = 12,
  interrupted = 130,
};

[[nodiscard]] ExitCode exit_code_of(core::ErrorCode code) noexcept;

}  // namespace cairn::cli
