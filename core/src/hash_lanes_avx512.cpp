// Compiled with -mavx512f: runs only where the dispatcher has found AVX-512F.
#include "hash_lanes_blake2b.h"

namespace cairn::core::hash_lanes {

void hash_avx512(const Job& job) noexcept { Scheduler<EightLanes>(job).run(); }

}  // namespace cairn::core::hash_lanes
