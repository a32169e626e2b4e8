#pragma once

#include "cairn/repo/snapshots.h"

namespace cairn::cli {

struct PinArguments {
  bool unpin = false;
  repo::SnapshotFilter filter;  ///< including names; paths as typed
};

}  // namespace cairn::cli
