#pragma once

#include <cstdint>

#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// Removes what writers left in tmp/ and sessions/ of which it is certain that they are over:
/// whoever never prunes would keep that for ever. A dead writer publishes nothing any more, so its
/// session needs no fence. Best effort; answers how many objects and files went.
std::uint64_t clear_dead_leftovers(const OpenRepository& repository);

}  // namespace cairn::repo::ops
