#include "store/catalogue/catalogue_readers.h"

#include <new>

#include "store/catalogue/catalogue_write_txn.h"

namespace cairn::repo::store {

core::Result<CatalogueReaders::Lease> CatalogueReaders::lease() {
  std::unique_ptr<CatalogueReader> reader;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (reader) {
    CAIRN_TRY_STATUS(reader->txn.renew());
    CAIRN_TRY_STATUS(reader->leaves.renew(reader->txn));
  } else {
    CAIRN_TRY(LmdbReadTxn txn, LmdbReadTxn::begin(env_));
    CAIRN_TRY(LmdbCursor leaves, LmdbCursor::open(txn, leaf_table));
    reader.reset(new CatalogueReader{.txn = std::move(txn), .leaves = std::move(leaves)});
  }
  if (const auto now = reader->txn.snapshot(); !now || reader->snapshot != now) {
    CAIRN_TRY(reader->ledger, read_ledger(reader->txn));
    reader->filters = filters_.of(reader->ledger.runs);
    reader->snapshot = now;
  }
  return Lease(*this, std::move(reader));
}

void CatalogueReaders::give_back(std::unique_ptr<CatalogueReader> reader) {
  reader->txn.reset();
  const std::lock_guard lock(mutex_);
  try {
    idle_.push_back(std::move(reader));
  } catch (const std::bad_alloc&) {
    // It is closed instead: called by destructors.
  }
}

}  // namespace cairn::repo::store
