#pragma once

#include <gsl/assert>
#include <string_view>

#include "cairn/core/bytes.h"
#include "cairn/core/id.h"

namespace cairn::test {

/// Bytes from hexadecimal digits, as published test vectors are written.
[[nodiscard]] inline core::Bytes from_hex(std::string_view digits) {
  core::Bytes bytes(digits.size() / 2);
  Expects(core::parse_hex(digits, bytes));
  return bytes;
}

}  // namespace cairn::test
