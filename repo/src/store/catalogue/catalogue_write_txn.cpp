#include "store/catalogue/catalogue_write_txn.h"

#include <cstring>

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

constexpr std::string_view kLedgerKey = "ledger";

/// Removes items from `key` on while `belongs` says so, and counts `budget` down.
template <class Belongs>
Status remove_items(LmdbWriteTxn& txn, LmdbTableIndex table, core::ByteView key,
                    const Belongs& belongs, std::size_t& budget) {
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(txn, table));
  CAIRN_TRY(auto item, cursor.seek(key));
  while (item && budget > 0 && belongs(item->key)) {
    CAIRN_TRY_STATUS(cursor.remove());
    --budget;
    CAIRN_TRY(item, cursor.next());
  }
  return {};
}

Status remove_run(LmdbWriteTxn& txn, std::uint32_t run, std::size_t& budget) {
  const auto is_leaf = [&](core::ByteView key) {
    const core::Result<std::uint32_t> found = leaf_run(key);
    return found && *found == run;
  };
  CAIRN_TRY_STATUS(remove_items(txn, leaf_table, leaf_key(run, 0, 0), is_leaf, budget));
  const auto is_piece = [&](core::ByteView key) {
    std::uint64_t number = 0;
    if (key.size() == sizeof(number)) {
      std::memcpy(&number, key.data(), sizeof(number));
    }
    return number >> 32 == run;
  };
  const std::uint64_t first = filter_key(run, 0);
  return remove_items(txn, filter_table, integer_key(first), is_piece, budget);
}

}  // namespace

core::Result<Ledger> read_ledger(const LmdbTxn& txn) {
  CAIRN_TRY(const auto value, txn.get(about_table, core::as_view(kLedgerKey)));
  if (!value) {
    return core::fail(ErrorCode::corrupt, "catalogue: the ledger is missing");
  }
  return decode_ledger(*value);
}

Status write_ledger(LmdbWriteTxn& txn, const Ledger& ledger) {
  return txn.put(about_table, core::as_view(kLedgerKey), encode_ledger(ledger));
}

core::Result<CatalogueWriteTxn> CatalogueWriteTxn::begin(LmdbEnv& env,
                                                         const CatalogueTuning& tuning) {
  CatalogueWriteTxn txn(env, tuning);
  CAIRN_TRY(LmdbWriteTxn lmdb, LmdbWriteTxn::begin(env));
  txn.lmdb_.emplace(std::move(lmdb));
  CAIRN_TRY(txn.ledger, read_ledger(*txn.lmdb_));
  return txn;
}

Status CatalogueWriteTxn::wrote_pages(std::size_t pages) {
  pages_ += pages;
  return pages_ < tuning_->pages_per_transaction ? Status() : commit_portion();
}

Status CatalogueWriteTxn::commit() {
  CAIRN_TRY_STATUS(write_ledger(*lmdb_, ledger));
  pages_ = 0;
  Status status = std::move(*lmdb_).commit();
  lmdb_.reset();
  return status;
}

Status CatalogueWriteTxn::commit_portion() {
  CAIRN_TRY_STATUS(commit());
  tuning_->on_step(CatalogueStep::portion_committed);
  CAIRN_TRY(LmdbWriteTxn lmdb, LmdbWriteTxn::begin(*env_));
  lmdb_.emplace(std::move(lmdb));
  return {};
}

Status CatalogueWriteTxn::finish() {
  CAIRN_TRY_STATUS(commit());
  tuning_->on_step(CatalogueStep::committed);
  return {};
}

core::Result<bool> remove_doomed(CatalogueWriteTxn& txn, std::size_t removals_max) {
  std::size_t budget = removals_max;
  auto& doomed = txn.ledger.doomed;
  while (!doomed.empty() && budget > 0) {
    CAIRN_TRY_STATUS(remove_run(txn.lmdb(), doomed.back(), budget));
    if (budget > 0) {
      doomed.pop_back();
    }
  }
  return doomed.empty();
}

}  // namespace cairn::repo::store
