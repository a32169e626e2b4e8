#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "store/catalogue/catalogue_records.h"
#include "store/catalogue/chunk_runs.h"
#include "store/catalogue/lmdb_env.h"
#include "store/catalogue/run_filters.h"

namespace cairn::repo::store {

/// A read transaction with everything that a lookup needs. Beginning one costs a microsecond or
/// more; renewing it a tenth of that, and the ledger is read again only if it may have changed.
struct CatalogueReader {
  LmdbReadTxn txn;
  LmdbCursor leaves;  ///< on leaf_table
  Ledger ledger{};
  std::vector<std::shared_ptr<RunFilter>> filters{};  ///< of the ledger's runs
  std::optional<std::uint64_t> snapshot{};  ///< the one that `ledger` belongs to, if known

  [[nodiscard]] core::Result<std::optional<ChunkLocation>> find(const ChunkId& id,
                                                                const PackFilter& usable,
                                                                LastLeaves& last) {
    return find_chunk(
        txn, leaves, {.runs = ledger.runs, .filters = filters, .usable = usable, .last = last}, id);
  }
};

/// Idle readers: as many as there were simultaneous lookups. Thread-safe; must not outlive the
/// environment.
class CatalogueReaders {
 public:
  /// Gives the reader back when destroyed; its snapshot ends.
  class Lease {
   public:
    Lease(CatalogueReaders& pool, std::unique_ptr<CatalogueReader> reader)
        : pool_(&pool), reader_(std::move(reader)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (reader_) {
        pool_->give_back(std::move(reader_));
      }
    }
    CatalogueReader* operator->() const noexcept { return reader_.get(); }

   private:
    CatalogueReaders* pool_;
    std::unique_ptr<CatalogueReader> reader_;
  };

  explicit CatalogueReaders(LmdbEnv& env) : env_(env) {}

  /// A reader of the newest snapshot.
  [[nodiscard]] core::Result<Lease> lease();

 private:
  void give_back(std::unique_ptr<CatalogueReader> reader);

  LmdbEnv& env_;
  RunFilters filters_;
  std::mutex mutex_;  ///< protects idle_
  std::vector<std::unique_ptr<CatalogueReader>> idle_;
};

}  // namespace cairn::repo::store
