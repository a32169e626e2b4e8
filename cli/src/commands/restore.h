#pragma once

#include <string>

#include "cairn/repo/restore.h"
#include "command_line/choice_options.h"
#include "context/restore_selection.h"

namespace cairn::cli {

struct RestoreArguments : RestorePatterns {
  SnapshotChoice choice;
  std::string target;
  repo::Overwrite overwrite = repo::Overwrite::refuse;
  bool delete_extra = false;
  bool dry_run = false;
  bool delete_excluded = false;
  bool numeric_ids = false;
  bool no_owner = false;
  bool yes = false;               ///< does not ask on the terminal
  bool no_restore_point = false;  ///< what is overwritten is lost
};

}  // namespace cairn::cli
