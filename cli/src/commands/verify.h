#pragma once

#include "cairn/repo/snapshots.h"

namespace cairn::cli {

struct VerifyArguments {
  repo::SnapshotFilter filter;  ///< empty: all, and every object of the repository; paths as typed
  bool check_integrity = false;
};

}  // namespace cairn::cli
