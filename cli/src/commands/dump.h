#pragma once

#include <string>

#include "command_line/choice_options.h"

namespace cairn::cli {

struct DumpArguments {
  SnapshotChoice choice;
  std::string output;   ///< empty: standard output
  bool as_tar = false;  ///< also a single file; folders always are
};

}  // namespace cairn::cli
