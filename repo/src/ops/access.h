#pragma once

#include "cairn/core/result.h"
#include "ops/state.h"

/// What the key in use may read. Errors: not_permitted, with the roles that may.
namespace cairn::repo::ops {

core::Status require_metadata_key(const State& state);
core::Status require_data_key(const State& state);
/// May forget and prune.
core::Status require_collecting_key(const State& state);

}  // namespace cairn::repo::ops
