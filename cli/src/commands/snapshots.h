#pragma once

#include <cstdint>
#include <optional>

#include "cairn/repo/retention.h"
#include "cairn/repo/snapshots.h"

namespace cairn::cli {

enum class ListForm : std::uint8_t { table, compact, long_table };

struct SnapshotsArguments {
  repo::SnapshotFilter filter;  ///< empty: all; paths as typed
  std::uint64_t latest = 0;     ///< of each group, or of each host, set and paths; 0: all
  std::optional<repo::RetentionGrouping> group_by;
  ListForm form = ListForm::table;
};

}  // namespace cairn::cli
