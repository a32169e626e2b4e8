#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cairn/repo/observer.h"

namespace cairn::cli {

/// One line of at most `columns` columns: how much, how fast, how long still, and on which path.
/// Leaves out what is not known and cuts the path first. Holds no control characters.
[[nodiscard]] std::string render_progress(const repo::Progress& progress, std::uint64_t elapsed_ns,
                                          std::size_t columns);

/// Lets at most ten updates a second pass, the first one always.
class UpdateLimit {
 public:
  [[nodiscard]] bool allows(std::uint64_t now_ns) noexcept;

 private:
  bool any_ = false;
  std::uint64_t last_ns_ = 0;
};

}  // namespace cairn::cli
