#pragma once

#include <cstdint>

#include "cairn/repo/backup.h"
#include "cairn/repo/retention.h"
#include "cairn/repo/snapshots.h"
#include "command_line/repository_options.h"

namespace cairn::cli {

struct CopyArguments {
  FromArguments from;
  repo::SnapshotFilter filter;  ///< empty: all; paths as typed
  std::uint64_t latest = 0;     ///< of each host, set and paths; 0: all
  repo::RetentionRules rules;   ///< empty: all
  int compression_level = repo::kCompressionDefault;
  bool dry_run = false;
  bool verify = false;
};

}  // namespace cairn::cli
