#pragma once

#include "store/catalogue/catalogue.h"
#include "store/catalogue/catalogue_write_txn.h"

namespace cairn::repo::store {

/// Catalogue::open() with other sizes than the usual ones: for tests, which want merges after a few
/// chunks and crashes in the middle of them.
[[nodiscard]] core::Result<std::unique_ptr<Catalogue>> open_lmdb_catalogue(
    const CatalogueOptions& options, const CatalogueTuning& tuning);

}  // namespace cairn::repo::store
