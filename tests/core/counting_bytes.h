#pragma once

#include <cstddef>

#include "cairn/core/bytes.h"

namespace cairn::core {

/// 0, 1, 2 ... 255, 0, 1 ...: the usual input of hash vectors.
inline Bytes counting_bytes(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(i & 0xff);
  }
  return bytes;
}

}  // namespace cairn::core
