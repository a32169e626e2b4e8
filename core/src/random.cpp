#include "cairn/core/random.h"

#include <sodium.h>

#include <array>

#include "cairn/core/codec.h"

namespace cairn::core {

std::uint64_t Random::number() {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  fill(bytes);
  return Decoder(bytes, "random number").u64();
}

void SystemRandom::fill(MutableByteView out) {
  // An empty view may hold a null pointer, which libsodium does not allow.
  if (!out.empty()) {
    randombytes_buf(out.data(), out.size());
  }
}

}  // namespace cairn::core
