#include "hash_lanes_blake2b.h"

namespace cairn::core::hash_lanes {

void start_state(const unsigned char* key_block, std::uint64_t* start) noexcept {
  // The parameter block's first word: 32 bytes out, a key of 32 bytes or none, fan-out 1, depth 1.
  constexpr std::uint64_t kParameters = 0x01012020;
  constexpr std::uint64_t kParametersWithoutKey = 0x01010020;
  State<OneLane> state;
  for (std::size_t i = 0; i < kStateWords; ++i) {
    state.h[i] = kIv[i];
  }
  state.h[0] ^= key_block == nullptr ? kParametersWithoutKey : kParameters;
  if (key_block != nullptr) {
    state.counted = 0;
    state.next[0] = key_block;
    advance<OneLane>(state, 1, kWholeBlock, 0);
  }
  for (std::size_t i = 0; i < kStateWords; ++i) {
    start[i] = state.h[i];
  }
}

void hash_portable(const Job& job) noexcept { Scheduler<EightLanes>(job).run(); }

}  // namespace cairn::core::hash_lanes
