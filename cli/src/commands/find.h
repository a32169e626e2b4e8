#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cairn/repo/entry.h"
#include "cairn/repo/snapshots.h"
#include "text/times.h"

namespace cairn::cli {

struct FindArguments {
  std::vector<std::string> patterns;
  std::string versions_of;      ///< not empty: all versions of this path instead
  repo::SnapshotFilter filter;  ///< paths as typed
  std::optional<Moment> newer;
  std::optional<Moment> older;
  std::optional<std::uint64_t> larger;
  std::optional<std::uint64_t> smaller;
  std::optional<repo::EntryType> type;
  bool ignore_case = false;
};

}  // namespace cairn::cli
