#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// Making good what can be made good.
namespace cairn::repo {

struct RepairIndexOptions {
  bool dry_run = false;
  std::stop_token stop = {};
};

struct RepairIndexReport {
  std::uint64_t segments_before = 0;
  std::uint64_t segments_damaged = 0;  ///< could not be read
  std::uint64_t segments_after = 0;
  std::uint64_t packs = 0;         ///< that the index lists now
  std::uint64_t packs_found = 0;   ///< of these, that no readable segment listed before
  std::vector<PackId> missing;     ///< were listed, and are gone
  std::vector<PackId> unreadable;  ///< are there, listed by nobody, with a damaged directory
};

/// Writes the index anew from what is there: intact segments, and of packs that none of these lists
/// their own directories. Packs that are gone leave it, so that the next backup of files that had
/// chunks in them stores these again. Nothing but index segments is removed; backups may run
/// meanwhile. Memory: as for prune. Errors: not_permitted (admin and maintain may), no_space,
/// interrupted, io.
[[nodiscard]] core::Result<RepairIndexReport> repair_index(Repository& repository,
                                                           const RepairIndexOptions& options,
                                                           Observer& observer);

}  // namespace cairn::repo
