#include "cairn/core/random.h"

#include <sodium.h>

namespace cairn::core {

void SystemRandom::fill(MutableByteView out) {
  // An empty view may hold a null pointer, which libsodium does not allow.
  if (!out.empty()) {
    randombytes_buf(out.data(), out.size());
  }
}

}  // namespace cairn::core
