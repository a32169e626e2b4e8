// Compiled with -mavx2: runs only where the dispatcher has found AVX2.
#include "hash_lanes_blake2b.h"

namespace cairn::core::hash_lanes {

void hash_avx2(const Job& job) noexcept { Scheduler<FourLanes>(job).run(); }

}  // namespace cairn::core::hash_lanes
