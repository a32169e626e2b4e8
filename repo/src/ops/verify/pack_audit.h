#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "cairn/core/result.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/verify/findings.h"

namespace cairn::repo::ops {

struct AuditedPack {
  store::PackNumber number{};
  PackId id;
  std::uint64_t size_bytes = 0;
};

struct PackAuditOptions {
  unsigned workers = 0;  ///< 0: one for each processor
  std::stop_token stop = {};
};

/// What reading packs from front to back found to be good.
struct PackAuditResult {
  std::uint64_t bytes_read = 0;
  std::uint64_t chunks_opened = 0;
  std::vector<store::PackNumber> gone;  ///< were deleted before they could be read
};

/// Reads packs front to back: checks the name of each against its table, its table against its
/// bytes and, if the role has the key, opens and expands each block and re-hashes each chunk. What
/// is wrong goes to the findings, with the affected blocks and chunks; progress, totals included,
/// to the meter.
///
/// Several threads, each with a pack of its own; a thread that finds no pack left opens blocks for
/// others. Memory of each: two blocks, stored and expanded, 100 bytes for each of their chunks, and
/// that of SegmentHasher. Errors only for what ends the check: io of the catalogue, interrupted.
[[nodiscard]] core::Result<PackAuditResult> audit_packs(CatalogueView view,
                                                        std::vector<AuditedPack> packs,
                                                        const PackAuditOptions& options,
                                                        Findings& findings, ProgressMeter& meter);

}  // namespace cairn::repo::ops
