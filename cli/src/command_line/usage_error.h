#pragma once

#include <string>
#include <utility>

namespace cairn::cli {

/// What is wrong with a command line.
struct UsageError {
  std::string message;
  std::string hint;
};

/// An error without a hint.
[[nodiscard]] inline UsageError usage_error(std::string message) {
  return {std::move(message), {}};
}

}  // namespace cairn::cli
