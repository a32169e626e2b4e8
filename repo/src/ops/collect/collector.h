#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/prune.h"
#include "format/session.h"
#include "ops/collect/pack_usage.h"
#include "ops/collect/repack.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/reachability.h"
#include "ops/writing/condemned_packs.h"

namespace cairn::repo::ops {

/// A collector: steps G0 to G7 of docs/design/0009-collection.md, each a function, to be called in
/// this order. Not thread-safe. Any step may be the last: what is left behind does no harm. Memory:
/// that of prune().
class Collector {
 public:
  Collector(OpenRepository& repository, const PruneOptions& options, Observer& observer);

  /// G0: what the snapshots reach, and what is to become of each pack.
  [[nodiscard]] core::Result<CatalogueView> plan();
  /// Instead of plan(): these packs are damaged. Everything intact in them counts as needed,
  /// whoever refers to it, and is copied; then they are deleted. Packs without a readable directory
  /// stay.
  [[nodiscard]] core::Result<CatalogueView> plan_salvage(const std::vector<PackId>& damaged);
  [[nodiscard]] bool has_work() const noexcept { return !doomed_.empty(); }

  /// G1, first half: copies what is needed into new packs that index segments list.
  core::Status copy_needed(CatalogueView view);
  /// G1: nobody who announces a session from now on relies on the doomed packs.
  core::Status condemn();
  /// G2 and G3: waits until all sessions announced before have ended, or are fenced.
  core::Status await_sessions();
  /// G4 and G5: what these have added is needed too; packs with the only readable copy of anything
  /// needed stay.
  core::Status spare_needed();
  /// G6: removes the doomed packs, after the index segments no longer list them.
  core::Status remove_doomed();
  /// G7: removes the records that name no existing pack.
  core::Status withdraw_records();

  /// Removes what finished runs have left behind, and the objects of forgotten snapshots.
  core::Status clear_leftovers();

  [[nodiscard]] PruneReport& report() noexcept { return report_; }
  /// What a salvage could not read.
  [[nodiscard]] const std::set<ChunkId>& lost() const noexcept { return lost_; }
  [[nodiscard]] std::uint64_t saved_chunks() const noexcept { return saved_chunks_; }
  void finish() { meter_.finish(); }

 private:
  core::Result<CatalogueView> refresh();
  core::Result<std::vector<SnapshotId>> list_snapshots();
  core::Status mark(CatalogueView view, const std::vector<SnapshotId>& snapshots);
  core::Status give_up(const SnapshotId& session);
  core::Status clear_dead_marks();
  core::Status remove_packs();
  [[nodiscard]] bool process_is_gone(const format::Session& session) const;
  [[nodiscard]] bool is_dead(const format::Session& session, std::uint64_t since_ns) const;
  core::Result<bool> is_outdated(const PackDirectories& directories);
  core::Status survey();
  void count(const UsageSurvey& found, const std::vector<PackFate>& fates);
  core::Result<std::unordered_set<store::PackNumber>> unreliable(CatalogueView view) const;
  [[nodiscard]] const ChunkMarks& needed_chunks() const {
    return salvaged_.empty() ? reachable_.marks() : salvaged_chunks_;
  }

  OpenRepository& repository_;
  const PruneOptions options_;
  Observer& observer_;
  ProgressMeter meter_;
  Reachability reachable_;
  std::set<SnapshotId> marked_;     ///< snapshots that are in reachable_
  std::set<SnapshotId> forgotten_;  ///< with a tombstone, but still with an object
  ChunkMarks repeated_;
  std::vector<PackId> repacked_;           ///< those of doomed_ with something needed in them
  std::unordered_set<PackId> doomed_;      ///< to be deleted
  std::vector<CondemnedPacks> condemned_;  ///< as read last
  std::optional<CondemnedId> record_;
  KnownDirectories salvaged_;  ///< empty: this is no salvage
  ChunkMarks salvaged_chunks_;
  std::set<ChunkId> lost_;
  std::set<PackId> unread_;  ///< perhaps damaged; kept, but nothing relies on them
  std::uint64_t saved_chunks_ = 0;
  PruneReport report_;
};

}  // namespace cairn::repo::ops
