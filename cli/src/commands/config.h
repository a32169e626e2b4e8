#pragma once

#include <cstdint>
#include <optional>

namespace cairn::cli {

struct ConfigArguments {
  std::optional<std::uint64_t> max_repo_bytes;  ///< nullopt: stays; 0: no limit
};

}  // namespace cairn::cli
