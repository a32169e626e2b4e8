#pragma once

#include "cairn/core/clock.h"

namespace cairn::test {

/// Long after every change of a test's files, which the kernel stamps with the real time.
inline constexpr core::Timestamp kLongAfter{4'102'444'800, 0};

}  // namespace cairn::test
