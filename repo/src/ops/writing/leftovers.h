#pragma once

#include <cstdint>

#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// Removes what certainly dead writers left in tmp/ and sessions/: in a repository that is never
/// pruned it would stay for ever. A dead writer publishes nothing any more, so its session needs no
/// fence. Best effort; returns how many objects and files were removed.
std::uint64_t clear_dead_leftovers(const OpenRepository& repository);

}  // namespace cairn::repo::ops
