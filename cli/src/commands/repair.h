#pragma once

#include <string>
#include <vector>

#include "command_line/repository_options.h"

namespace cairn::cli {

struct RepairPacksArguments {
  std::vector<std::string> packs;  ///< empty: all that are damaged
  std::vector<std::string> sources;
  FromArguments from;  ///< empty: none
  bool dry_run = false;
};

}  // namespace cairn::cli
