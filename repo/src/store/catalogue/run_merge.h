#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "store/catalogue/catalogue_write_txn.h"

/// Writing a run: from new chunks, from other runs, or from both.
namespace cairn::repo::store {

/// Entries in ascending order of ids, returned a span at a time.
class EntrySource {
 public:
  virtual ~EntrySource() = default;
  /// The next entries, end to end, valid until the next call; empty: there are no more.
  [[nodiscard]] virtual core::Result<core::ByteView> next() = 0;
};

/// A chunk of a new pack.
struct FreshChunk {
  std::uint64_t prefix = 0;  ///< of the id
  const ChunkId* id = nullptr;
  ChunkLocation location;
};

/// Sorts `chunks`, and makes entries of them only when asked: a segment of a million chunks needs
/// no second copy. Both the span and the ids must outlive the source.
class FreshChunks final : public EntrySource {
 public:
  explicit FreshChunks(std::span<FreshChunk> chunks);
  [[nodiscard]] core::Result<core::ByteView> next() override;

 private:
  std::span<const FreshChunk> rest_;
  core::Bytes entries_;
};

/// The entries of a run in the transaction's snapshot. Reports a run that does not match the ledger
/// as corrupt.
class RunEntries final : public EntrySource {
 public:
  [[nodiscard]] static core::Result<std::unique_ptr<RunEntries>> open(const LmdbReadTxn& txn,
                                                                      const RunInfo& run);
  [[nodiscard]] core::Result<core::ByteView> next() override;

 private:
  RunEntries(LmdbCursor cursor, const RunInfo& run) : cursor_(std::move(cursor)), run_(run) {}

  LmdbCursor cursor_;
  RunInfo run_;
  std::uint64_t seen_ = 0;
};

/// The living packs as a bitmap.
class LivingPacks {
 public:
  [[nodiscard]] static core::Result<LivingPacks> read(const LmdbTxn& txn);
  void add(PackNumber pack);
  [[nodiscard]] bool has(PackNumber pack) const noexcept;

 private:
  std::vector<bool> bits_;
};

struct MergeInput {
  std::span<const std::unique_ptr<EntrySource>> sources{};
  std::uint64_t entries_max = 0;        ///< of all sources; sizes the filter
  const LivingPacks* living = nullptr;  ///< null: keep all entries
};

struct MergeResult {
  std::optional<RunInfo> run;  ///< nullopt if no entry was left
  std::uint64_t dropped = 0;   ///< entries of dead packs
};

/// Writes one run in as many portions as it takes. Its number is new and is in Ledger::doomed when
/// this returns; the caller moves it to Ledger::runs.
[[nodiscard]] core::Result<MergeResult> write_run(CatalogueWriteTxn& txn, const MergeInput& input);

}  // namespace cairn::repo::store
