#include "cairn/repo/prune.h"

#include <utility>

#include "ops/collect/collector.h"
#include "ops/progress/after_commit.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/access.h"
#include "ops/repository/reserve.h"

namespace cairn::repo {

namespace {

// For when another collector has moved or deleted what this one was about to read.
constexpr int kPlansMax = 8;

// True if another collector has moved or deleted what this one read, or fenced it.
bool is_worth_another_look(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::not_found || code == core::ErrorCode::fenced;
}

core::Result<PruneReport> prune_once(ops::OpenRepository& repository, const PruneOptions& options,
                                     Observer& observer) {
  ops::Collector collector(repository, options, observer);
  observer.event(PhaseBegun{"reading what snapshots need"});
  CAIRN_TRY(const ops::CatalogueView view, collector.plan());
  if (options.dry_run) {
    return std::move(collector.report());
  }
  if (collector.has_work()) {
    observer.event(PhaseBegun{"rewriting packs"});
    CAIRN_TRY_STATUS(collector.copy_needed(view));
    CAIRN_TRY_STATUS(collector.condemn());
    CAIRN_TRY_STATUS(collector.await_sessions());
    CAIRN_TRY_STATUS(collector.spare_needed());
  }
  observer.event(PhaseBegun{"deleting packs"});
  // Also without doomed packs: a collector that died may have left an outdated index.
  CAIRN_TRY_STATUS(collector.remove_doomed());
  CAIRN_TRY_STATUS(collector.withdraw_records());
  ops::AfterCommit after(observer, "the repository is pruned");
  after(collector.clear_leftovers());
  collector.finish();
  ops::keep_reserve(repository);
  after(ops::ensure_catalogue(repository, observer));
  return std::move(collector.report());
}

core::Status check(const PruneOptions& options) {
  CAIRN_TRY_STATUS(ops::check_compression_level(options.compression_level));
  if (!(options.max_unused >= 0)) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "prune: what may stay unused is a share of what is used, 0 or more");
  }
  if (!options.dry_run && !options.as_if_forgotten.empty()) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "prune: only a dry run plans as if snapshots had been forgotten");
  }
  return {};
}

}  // namespace

core::Result<PruneReport> prune(Repository& repository, const PruneOptions& options,
                                Observer& observer) {
  CAIRN_TRY_STATUS(check(options));
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_collecting_key(open));
  const auto once = [&] {
    return ops::with_sound_catalogue(open, observer,
                                     [&] { return prune_once(open, options, observer); });
  };
  return ops::reported_verb(observer, "prune", [&]() -> core::Result<PruneReport> {
    auto report = once();
    for (int retry = 0;
         retry < kPlansMax && !report && is_worth_another_look(report.error().code()); ++retry) {
      observer.detail(report.error().message() + ": looking again");
      report = once();
    }
    if (!report && report.error().code() == core::ErrorCode::no_space) {
      return core::fail(std::move(report).error().with_hint(
          options.max_repack_bytes == 0
              ? "nothing was lost. Make some room on the disk by other means"
              : "nothing was lost. Make some room, or delete without rewriting: cairn prune "
                "--max-repack-bytes 0"));
    }
    return report;
  });
}

}  // namespace cairn::repo
