#pragma once

#include <span>

#include "store/catalogue/run_merge.h"

/// Changes to the chunk index and the pack tables. Each call uses up a fresh transaction: it has
/// finished it, or there was nothing to do, or it failed and the transaction must be dropped.
namespace cairn::repo::store {

/// Catalogue::ingest().
core::Status ingest_segment(CatalogueWriteTxn& txn, const IndexSegmentId& id,
                            const format::IndexSegment& segment);
/// Catalogue::retain(). When most entries belong to dead packs, all runs are rewritten without
/// them.
core::Status retain_segments(CatalogueWriteTxn& txn, std::span<const IndexSegmentId> listed);

}  // namespace cairn::repo::store
