#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

/// What all targets of record decoders check: an input is refused with an Error, or it is the one
/// encoding of the value it decodes to. A second encoding of the same value would let storage
/// change an object without changing what it says.
namespace cairn::fuzz {

inline core::ByteView view_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span<const std::uint8_t>(data, size));
}

inline void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// `decoded` came from `input`; `encode` is called with its value.
template <class T, class Encode>
void require_one_encoding(core::ByteView input, const core::Result<T>& decoded, Encode encode) {
  if (decoded.has_value()) {
    const core::Result<core::Bytes> encoded = encode(*decoded);
    require(encoded.has_value() && core::equal(*encoded, input));
    return;
  }
  const core::ErrorCode code = decoded.error().code();
  require(code == core::ErrorCode::corrupt || code == core::ErrorCode::limit_exceeded ||
          code == core::ErrorCode::unsupported_version);
}

}  // namespace cairn::fuzz
