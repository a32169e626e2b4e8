#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cairn/repo/observer.h"

namespace cairn::cli {

/// One line of at most `columns` columns: amount, speed, remaining time and current path. Leaves
/// out what is unknown and shortens the path first. Contains no control characters.
[[nodiscard]] std::string render_progress(const repo::Progress& progress, std::uint64_t elapsed_ns,
                                          std::size_t columns);

/// Allows at most ten updates a second, and always the first.
class UpdateLimit {
 public:
  [[nodiscard]] bool allows(std::uint64_t now_ns) noexcept;

 private:
  bool any_ = false;
  std::uint64_t last_ns_ = 0;
};

}  // namespace cairn::cli
