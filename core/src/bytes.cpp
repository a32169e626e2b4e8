#include "cairn/core/bytes.h"

#include <algorithm>

namespace cairn::core {

std::string to_hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(bytes.size() * 2, '\0');
  auto out = text.begin();
  for (const std::byte b : bytes) {
    *out++ = kDigits[std::to_integer<std::size_t>(b >> 4)];
    *out++ = kDigits[std::to_integer<std::size_t>(b & std::byte{0x0f})];
  }
  return text;
}

void grow_capacity(Bytes& out, std::size_t more) {
  constexpr std::size_t kCapacityMin = 64;
  Bytes grown;
  grown.reserve(std::max({out.size() + more, out.capacity() * 2, kCapacityMin}));
  grown.resize(out.size());
  if (!out.empty()) {
    std::memcpy(grown.data(), out.data(), out.size());
  }
  out.swap(grown);
}

}  // namespace cairn::core
