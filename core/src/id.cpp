#include "cairn/core/id.h"

#include <gsl/assert>

namespace cairn::core {

bool parse_hex(std::string_view text, MutableByteView out) noexcept {
  if (text.size() % 2 != 0 || text.size() / 2 != out.size()) {
    return false;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

void copy_exact(MutableByteView to, ByteView from) {
  Expects(to.size() == from.size());
  if (!from.empty()) {
    std::memcpy(to.data(), from.data(), from.size());
  }
}

}  // namespace cairn::core
