#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "cairn/core/workers.h"
#include "cairn/repo/repair.h"
#include "ops/backup/backup_pipeline.h"
#include "ops/collect/collector.h"
#include "ops/copy/copy_chunks.h"
#include "ops/copy/copy_tree.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/access.h"
#include "ops/repository/damage.h"
#include "ops/snapshots/snapshot_list.h"
#include "ops/verify/pack_audit.h"
#include "ops/writing/stored_nodes.h"
#include "ops/writing/writing_session.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using ops::CatalogueView;
using ops::OpenRepository;
using ops::WriteView;

core::Status check_roles(const OpenRepository& repository, const RepairPacksOptions& options) {
  CAIRN_TRY_STATUS(ops::require_collecting_key(repository, "replace packs"));
  CAIRN_TRY_STATUS(ops::require_data_key(repository));
  if (options.from == nullptr) {
    return {};
  }
  const OpenRepository& from = ops::opened(*options.from);
  CAIRN_TRY_STATUS(ops::require_metadata_key(from));
  CAIRN_TRY_STATUS(ops::require_data_key(from));
  if (from.config.repository_id == repository.config.repository_id) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} and {} are the same repository, or copies file by file",
                                  from.location, repository.location),
                      "packs of such a copy are as good as these: put them over the damaged ones");
  }
  return {};
}

class PackRepair {
 public:
  PackRepair(OpenRepository& repository, const RepairPacksOptions& options, Observer& observer)
      : repository_(repository),
        options_(options),
        observer_(observer),
        meter_(observer, repository.environment.clock) {}

  core::Result<RepairPacksReport> run();

 private:
  core::Status find_damaged(CatalogueView view);
  core::Status salvage();
  core::Result<std::set<ChunkId>> find_missing();
  core::Status heal(const std::set<ChunkId>& missing);
  core::Result<std::uint64_t> heal_from_sources(WriteView view, const std::set<ChunkId>& missing);
  core::Result<std::uint64_t> heal_from_repository(WriteView view,
                                                   const std::set<ChunkId>& missing);
  core::Result<std::uint64_t> heal_from_snapshot(WriteView view, const Snapshot& snapshot,
                                                 const std::set<ChunkId>& missing,
                                                 ops::ChunkCopier& chunks, ops::TreeCopier& trees);
  [[nodiscard]] ops::ChunkStoreOptions storing(const std::set<ChunkId>& missing) {
    return {.compression_level = options_.compression_level, .only = &missing};
  }

  OpenRepository& repository_;
  const RepairPacksOptions& options_;
  Observer& observer_;
  ops::ProgressMeter meter_;
  RepairPacksReport report_;
};

core::Result<RepairPacksReport> PackRepair::run() {
  CAIRN_TRY(const CatalogueView view, ops::ensure_catalogue(repository_, observer_));
  CAIRN_TRY_STATUS(find_damaged(view));
  if (!options_.dry_run && !report_.damaged.empty()) {
    CAIRN_TRY_STATUS(salvage());
  }
  CAIRN_TRY(std::set<ChunkId> missing, find_missing());
  report_.missing_before = missing.size();
  report_.missing_after = missing.size();
  while (!options_.dry_run && !missing.empty()) {
    const std::uint64_t healed = report_.healed_from_sources + report_.healed_from_repository;
    CAIRN_TRY_STATUS(heal(missing));
    if (report_.healed_from_sources + report_.healed_from_repository == healed) {
      break;
    }
    // Repaired nodes may name more.
    CAIRN_TRY(missing, find_missing());
    report_.missing_after = missing.size();
  }
  meter_.finish();
  return std::move(report_);
}

core::Status PackRepair::find_damaged(CatalogueView view) {
  std::vector<ops::AuditedPack> packs;
  CAIRN_TRY_STATUS(view.catalogue().for_each_pack([&](store::PackNumber number, const PackId& id,
                                                      std::uint64_t size,
                                                      format::BlockKind /*kind*/) -> core::Status {
    const bool is_asked_for =
        options_.packs.empty() || std::ranges::find(options_.packs, id) != options_.packs.end();
    if (is_asked_for && !view.missing_packs().is_gone(number)) {
      packs.push_back({number, id, size});
    }
    return {};
  }));
  ops::Findings findings;
  CAIRN_TRY_STATUS(ops::audit_packs(
      view, packs, {.workers = options_.workers, .stop = options_.stop}, findings, meter_));
  std::set<std::string> damaged;
  for (const Finding& finding : findings.take()) {
    // A pack that the storage did not return is copied as far as possible; the salvage keeps it.
    if (finding.severity != Finding::Severity::note) {
      damaged.insert(finding.object);
    }
  }
  for (const ops::AuditedPack& pack : packs) {
    if (damaged.contains(
            store::object_path(store::object_name(format::ObjectKind::pack, pack.id)))) {
      report_.damaged.push_back(pack.id);
    }
  }
  std::ranges::sort(report_.damaged);
  report_.packs_checked = packs.size();
  return {};
}

/// Damaged packs are deleted as by a prune: docs/design/0009-collection.md.
core::Status PackRepair::salvage() {
  const PruneOptions collecting{.stale_after_seconds = options_.stale_after_seconds,
                                .compression_level = options_.compression_level,
                                .workers = options_.workers,
                                .stop = options_.stop};
  ops::Collector collector(repository_, collecting, observer_);
  CAIRN_TRY(const CatalogueView view, collector.plan_salvage(report_.damaged));
  if (collector.has_work()) {
    CAIRN_TRY_STATUS(collector.copy_needed(view));
  }
  if (collector.has_work()) {
    CAIRN_TRY_STATUS(collector.condemn());
    CAIRN_TRY_STATUS(collector.await_sessions());
    CAIRN_TRY_STATUS(collector.spare_needed());
    CAIRN_TRY_STATUS(collector.remove_doomed());
    CAIRN_TRY_STATUS(collector.withdraw_records());
  }
  report_.chunks_saved = collector.saved_chunks();
  report_.chunks_unreadable = collector.lost().size();
  report_.packs_removed = collector.report().removed.packs;
  report_.packs_kept = report_.damaged.size() - report_.packs_removed;
  CAIRN_TRY_STATUS(ops::ensure_catalogue(repository_, observer_));
  return {};
}

core::Result<std::set<ChunkId>> PackRepair::find_missing() {
  CAIRN_TRY(const ops::SnapshotList list, ops::read_snapshots(repository_));
  list.warn(observer_);
  CAIRN_TRY(const CatalogueView view, ops::ensure_catalogue(repository_, observer_));
  std::set<ChunkId> missing;
  ops::Reachability reachable({.stop = options_.stop, .lost = &missing});
  for (const ListedSnapshot& listed : list.snapshots) {
    meter_.at("snapshot " + listed.id.short_hex());
    CAIRN_TRY_STATUS(reachable.add(view, listed.snapshot));
  }
  return missing;
}

core::Status PackRepair::heal(const std::set<ChunkId>& missing) {
  // Announced, so that no collector removes what is stored before a snapshot is seen to need it.
  CAIRN_TRY(const auto session,
            ops::WritingSession::begin(repository_, {.program_version = options_.program_version},
                                       observer_));
  if (!options_.sources.empty()) {
    CAIRN_TRY(const std::uint64_t healed, heal_from_sources(session->view(), missing));
    report_.healed_from_sources += healed;
  }
  if (options_.from != nullptr) {
    CAIRN_TRY(const std::uint64_t healed, heal_from_repository(session->view(), missing));
    report_.healed_from_repository += healed;
  }
  return {};
}

std::uint64_t chunks_of(const ops::ChunkStore::Totals& totals) {
  return totals.data.chunks + totals.metadata.chunks;
}

/// Like a backup that reads every file, but stores only what is missing.
core::Result<std::uint64_t> PackRepair::heal_from_sources(WriteView view,
                                                          const std::set<ChunkId>& missing) {
  ops::ChunkStore store(view, storing(missing), meter_);
  ops::PipelineOptions pipeline_options;
  pipeline_options.paths = options_.sources;
  std::ranges::sort(pipeline_options.paths);
  pipeline_options.workers = core::worker_count(repository_.environment.threads, options_.workers);
  pipeline_options.stop = options_.stop;
  ops::BackupPipeline pipeline(repository_, pipeline_options, store, meter_);
  CAIRN_TRY_STATUS(pipeline.run());
  CAIRN_TRY_STATUS(store.publish_all());
  return chunks_of(store.totals());
}

core::Result<std::uint64_t> PackRepair::heal_from_repository(WriteView view,
                                                             const std::set<ChunkId>& missing) {
  CAIRN_TRY(const CatalogueView from,
            ops::ensure_catalogue(ops::opened(*options_.from), observer_));
  CAIRN_TRY(const ops::SnapshotList list, ops::read_snapshots(from));
  list.warn(observer_);
  ops::ChunkCopier chunks(
      from, repository_,
      {.workers = core::worker_count(repository_.environment.threads, options_.workers),
       .stop = options_.stop});
  ops::TreeCopier trees(from, view, chunks, meter_, options_.stop);
  std::uint64_t healed = 0;
  for (const ListedSnapshot& listed : list.snapshots) {
    auto found = heal_from_snapshot(view, listed.snapshot, missing, chunks, trees);
    if (found) {
      healed += *found;
    } else if (ops::is_lost(found.error().code())) {
      observer_.warning(fmt::format("{}: passing over snapshot {} of {}", found.error().message(),
                                    listed.id.short_hex(), from.repository.location));
    } else {
      return core::fail(std::move(found).error());
    }
  }
  return healed;
}

core::Result<std::uint64_t> PackRepair::heal_from_snapshot(WriteView view, const Snapshot& snapshot,
                                                           const std::set<ChunkId>& missing,
                                                           ops::ChunkCopier& chunks,
                                                           ops::TreeCopier& trees) {
  ops::ChunkStore store(view, storing(missing), meter_);
  ops::StoredNodes nodes(store, *repository_.keys);
  chunks.begin(store);
  trees.begin(nodes, false);
  core::Status copied;
  for (const Source& source : snapshot.sources) {
    meter_.at(source.path);
    auto one = trees.copy(source, std::nullopt);
    if (!one) {
      copied = core::fail(std::move(one).error());
      break;
    }
  }
  CAIRN_TRY_STATUS(chunks.flush());
  CAIRN_TRY_STATUS(nodes.flush());
  CAIRN_TRY_STATUS(store.publish_all());
  CAIRN_TRY_STATUS(std::move(copied));
  return chunks_of(store.totals());
}

}  // namespace

core::Result<RepairPacksReport> repair_packs(Repository& repository,
                                             const RepairPacksOptions& options,
                                             Observer& observer) {
  CAIRN_TRY_STATUS(ops::check_compression_level(options.compression_level));
  OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(check_roles(open, options));
  return ops::reported_verb(observer, "repair packs",
                            [&] { return PackRepair(open, options, observer).run(); });
}

}  // namespace cairn::repo
