#pragma once

#include <cstdint>
#include <stop_token>
#include <unordered_set>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

struct IndexRewriteOptions {
  std::unordered_set<PackId> leave_out = {};
  /// Also replaces sound and unreadable segments: the new index lists exactly what exists.
  bool replace_all = false;
  std::stop_token stop = {};
};
struct RewrittenIndex {
  std::uint64_t written = 0;
  std::uint64_t removed = 0;
  std::uint64_t packs = 0;  ///< in the new segments
};

/// Publishes new index segments in place of those that list a pack that is to be left out or does
/// not exist, and in place of small ones if there are many; adds packs that no segment lists.
/// Removes the old ones afterwards: after an interruption in between, some packs are listed twice,
/// which is harmless. Memory: one old and one new segment, 40 MiB at worst. Errors: no_space, io,
/// interrupted.
[[nodiscard]] core::Result<RewrittenIndex> rewrite_index(const OpenRepository& repository,
                                                         const IndexRewriteOptions& options,
                                                         Observer& observer);

}  // namespace cairn::repo::ops
