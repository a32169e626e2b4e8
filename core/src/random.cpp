#include "cairn/core/random.h"

#include <sodium.h>

namespace cairn::core {

void SystemRandom::fill(MutableByteView out) { randombytes_buf(out.data(), out.size()); }

}  // namespace cairn::core
