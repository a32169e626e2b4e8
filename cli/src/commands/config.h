#pragma once

#include <cstdint>
#include <optional>

namespace cairn::cli {

struct ConfigArguments {
  std::optional<std::uint64_t> max_repo_bytes;  ///< nullopt: not changed; 0: no limit
};

}  // namespace cairn::cli
