#pragma once

#include <functional>
#include <optional>

#include "cairn/core/result.h"
#include "store/catalogue/catalogue_records.h"
#include "store/catalogue/chunk_runs.h"
#include "store/catalogue/lmdb_env.h"

namespace cairn::repo::store {

/// Points at which a test may end the process.
enum class CatalogueStep {
  portion_committed,  ///< part of a run is written or removed; it is not listed
  committed,          ///< a transaction is over; runs that were merged may still be there
};

struct CatalogueTuning {
  MergePolicy merge;
  /// 4 MiB of pages in memory between commits. LMDB 0.9.24 must stay below 131,071 pages.
  std::size_t pages_per_transaction = 1024;
  /// LMDB rewrites a commit's whole list of freed pages when it takes one of them: short lists (one
  /// page here) keep small ingests cheap.
  std::size_t removals_per_transaction = 500;
  std::function<void(CatalogueStep)> on_step = [](CatalogueStep) {};
};

/// A change to the catalogue that may be too big for one LMDB transaction: a ledger and a sequence
/// of transactions. The caller holds the write lock from before begin() until after finish(), so
/// that nobody else changes the ledger in between.
///
/// What a portion writes must have no meaning until finish() commits the ledger that lists it. A
/// run being written is in Ledger::doomed until then, so that a crash leaves only garbage that is
/// known as such. Not thread-safe. The destructor drops what was not committed.
class CatalogueWriteTxn {
 public:
  [[nodiscard]] static core::Result<CatalogueWriteTxn> begin(LmdbEnv& env,
                                                             const CatalogueTuning& tuning);

  [[nodiscard]] LmdbEnv& env() noexcept { return *env_; }
  [[nodiscard]] LmdbWriteTxn& lmdb() noexcept { return *lmdb_; }
  [[nodiscard]] const CatalogueTuning& tuning() const noexcept { return *tuning_; }

  /// Counts pages written; commits a portion when there are enough. Cursors must be gone.
  core::Status wrote_pages(std::size_t pages);
  core::Status commit_portion();
  core::Status finish();

  Ledger ledger;

 private:
  CatalogueWriteTxn(LmdbEnv& env, const CatalogueTuning& tuning) : env_(&env), tuning_(&tuning) {}
  core::Status commit();

  LmdbEnv* env_;
  const CatalogueTuning* tuning_;
  std::optional<LmdbWriteTxn> lmdb_;
  std::size_t pages_ = 0;
};

[[nodiscard]] core::Result<Ledger> read_ledger(const LmdbTxn& txn);
core::Status write_ledger(LmdbWriteTxn& txn, const Ledger& ledger);

/// Removes the leaves and filters of doomed runs, at most `removals_max` of them; true if none is
/// left. Does not commit.
[[nodiscard]] core::Result<bool> remove_doomed(CatalogueWriteTxn& txn, std::size_t removals_max);

}  // namespace cairn::repo::store
