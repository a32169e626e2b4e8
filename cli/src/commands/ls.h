#pragma once

#include "command_line/choice_options.h"

namespace cairn::cli {

struct LsArguments {
  SnapshotChoice choice;
  bool long_format = false;
  bool recursive = false;
  bool print0 = false;
};

}  // namespace cairn::cli
