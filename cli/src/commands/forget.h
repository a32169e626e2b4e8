#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/repo/retention.h"
#include "cairn/repo/snapshots.h"
#include "commands/prune.h"

namespace cairn::cli {

struct ForgetArguments {
  std::vector<std::string> snapshots;  ///< empty: by the rules
  repo::RetentionRules rules;
  repo::SnapshotFilter filter;  ///< paths as typed
  bool dry_run = false;
  std::optional<PruneArguments> prune;  ///< afterwards
};

}  // namespace cairn::cli
