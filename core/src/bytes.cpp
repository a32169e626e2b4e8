#include "cairn/core/bytes.h"

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

}  // namespace cairn::core
