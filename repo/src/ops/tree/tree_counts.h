#pragma once

#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo::ops {

/// Adds one object to the counts.
void count_entry(const Entry& entry, TreeCounts& counts);

}  // namespace cairn::repo::ops
