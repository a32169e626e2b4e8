#pragma once

#include <string>

#include "cairn/core/result.h"

namespace cairn::test {

/// "ok", or the name of the error's code: CHECK(outcome(store.get(id)) == "not_found") says what
/// came instead when it fails.
template <class T>
[[nodiscard]] std::string outcome(const core::Result<T>& result) {
  return result.has_value() ? "ok" : std::string(core::to_string(result.error().code()));
}

/// The error's message, or nothing.
template <class T>
[[nodiscard]] std::string message_of(const core::Result<T>& result) {
  return result.has_value() ? std::string() : result.error().message();
}

}  // namespace cairn::test
