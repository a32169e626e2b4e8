#pragma once

#include <string>

#include "cairn/repo/snapshots.h"

namespace cairn::cli {

/// One side of a comparison: "SNAP", "SNAP:/path", or a path on disk.
struct DiffPlace {
  std::string snapshot;  ///< empty: on disk
  std::string path;      ///< as typed; empty: the same as on the other side
};

struct DiffArguments {
  DiffPlace before;
  DiffPlace after;
  repo::SnapshotFilter filter;  ///< for both sides; paths as typed
  bool checksum = false;
  bool exit_code = false;  ///< the exit status says whether there are differences
};

}  // namespace cairn::cli
