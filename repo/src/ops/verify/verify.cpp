#include "cairn/repo/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stop_token>
#include <utility>

#include "ops/progress/progress_meter.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/catalogue_view.h"
#include "ops/repository/pack_directories.h"
#include "ops/verify/findings.h"
#include "ops/verify/pack_audit.h"
#include "ops/verify/verify_steps.h"

namespace cairn::repo {

namespace ops {

core::Status verify_packs(VerifyWork& work, const NeededBlocks* needed, AuditedPacks& audited) {
  std::vector<AuditedPack> packs;
  CAIRN_TRY_STATUS(work.view.catalogue().for_each_pack(
      [&](store::PackNumber number, const PackId& id, std::uint64_t size,
          format::BlockKind /*kind*/) -> core::Status {
        const bool is_wanted = needed == nullptr || needed->needs_pack(number);
        if (is_wanted && !audited.done.contains(number) &&
            !work.view.missing_packs().is_gone(number)) {
          packs.push_back({number, id, size});
        }
        return {};
      }));
  CAIRN_TRY(
      const PackAuditResult result,
      audit_packs(work.view, packs, {.workers = work.options.workers, .stop = work.options.stop},
                  audited.findings, work.meter));
  for (const AuditedPack& pack : packs) {
    audited.done.insert(pack.number);
  }
  for (const store::PackNumber gone : result.gone) {
    audited.done.erase(gone);
  }
  audited.any_gone = !result.gone.empty();
  audited.bytes_read += result.bytes_read;
  audited.chunks_checked += result.chunks_opened;
  return {};
}

namespace {

core::Status check_trees(TreeCheck& trees, const std::vector<CheckedSnapshot>& snapshots,
                         ProgressMeter& meter) {
  for (const CheckedSnapshot& snapshot : snapshots) {
    meter.detail(fmt::format("checking snapshot {}", snapshot.id.short_hex()));
    CAIRN_TRY_STATUS(trees.check(snapshot));
  }
  return {};
}

/// To be called when all trees have been walked: a pack that is gone is no loss if everything
/// needed in it is also elsewhere. Interrupted collectors leave the index like this.
void excuse_missing(const VerifyWork& work, const NeededBlocks& needed) {
  for (const auto& [pack, finding] : work.missing) {
    if (!needed.needs_pack(pack)) {
      work.findings.excuse(finding,
                           work.options.snapshots.empty()
                               ? "; no snapshot needs it; cairn prune takes it off the index"
                               : "; the snapshots that were checked do not need it");
    }
  }
}

/// Checks the index, the trees of some snapshots, then the packs that these need.
core::Status verify_selection(VerifyWork& work, const PackDirectories& directories,
                              const std::vector<CheckedSnapshot>& snapshots,
                              AuditedPacks& audited) {
  CAIRN_TRY_STATUS(verify_index(work, directories));
  TreeCheck trees(work);
  CAIRN_TRY_STATUS(check_trees(trees, snapshots, work.meter));
  excuse_missing(work, trees.needed());
  return work.options.check_integrity ? verify_packs(work, &trees.needed(), audited)
                                      : core::Status();
}

/// Checks all packs and, at the same time, the index and all trees: one thread, which mostly waits
/// for the catalogue. Each has its own findings, so that the report does not depend on timing.
/// Progress is that of the packs.
core::Status verify_everything(VerifyWork& work, const PackDirectories& directories,
                               const std::vector<CheckedSnapshot>& snapshots,
                               AuditedPacks& audited) {
  std::stop_source stop;
  const std::stop_callback stop_both(work.options.stop, [&stop] { stop.request_stop(); });
  VerifyOptions options = work.options;
  options.stop = stop.get_token();
  VerifyWork packs{work.view, options, work.meter, work.findings, work.report};
  Observer nobody;
  ProgressMeter silent(nobody, work.view.repository.environment.clock);
  VerifyWork walk{work.view, options, silent, work.findings, work.report};
  TreeCheck trees(walk);

  auto packs_thread = core::GuardedThread::start(
      work.view.repository.environment.threads,
      {.action = "checking packs",
       .work = [&packs, &audited] { return verify_packs(packs, nullptr, audited); }});
  const core::Status trees_status = core::guarded("checking trees", [&]() -> core::Status {
    CAIRN_TRY_STATUS(verify_index(walk, directories));
    return check_trees(trees, snapshots, work.meter);
  });
  if (!trees_status) {
    stop.request_stop();
  }
  // If no thread can be started, one after the other.
  const core::Status packs_status =
      packs_thread ? packs_thread->join() : verify_packs(packs, nullptr, audited);
  CAIRN_TRY_STATUS(trees_status);
  CAIRN_TRY_STATUS(packs_status);
  excuse_missing(walk, trees.needed());
  return {};
}

/// What others did during this look.
enum class Meanwhile {
  nothing,
  added,    ///< as backups do
  removed,  ///< as forget and prune do
};

/// What a snapshot needs always exists somewhere. It looks lost if one reads an old index and newer
/// packs, or walks a snapshot that has been forgotten. Neither is the case if index and packs are
/// as they were `before` the index was read, and the snapshots still exist.
core::Result<Meanwhile> changed_since(const OpenRepository& repository,
                                      const PackDirectories& before,
                                      const std::vector<CheckedSnapshot>& snapshots) {
  // A tombstone exists before its register is removed.
  CAIRN_TRY(const auto standing,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::snapshot));
  CAIRN_TRY(const auto forgotten,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::forgotten));
  CAIRN_TRY(const PackDirectories now, PackDirectories::list(repository));
  const bool all_stand = std::ranges::all_of(snapshots, [&](const CheckedSnapshot& checked) {
    return std::ranges::binary_search(standing, checked.id) &&
           !std::ranges::binary_search(forgotten, checked.id);
  });
  if (all_stand && now.lists_the_same(before)) {
    return Meanwhile::nothing;
  }
  const bool only_added = all_stand && now.lists_all_of(before);
  return only_added ? Meanwhile::added : Meanwhile::removed;
}

// Each prune deletes packs once: more than this many in a row are a loop of prunes.
constexpr int kLooksMax = 6;

/// One look at everything; nullopt if it must be repeated. The last one may report as lost what
/// others, which only added objects, would have had to move each time.
core::Result<std::optional<VerifyReport>> look(CatalogueView view, const VerifyOptions& options,
                                               bool is_last, AuditedPacks& audited,
                                               ProgressMeter& meter) {
  Findings findings;
  VerifyReport report;
  VerifyWork work{view, options, meter, findings, report};
  meter.phase("checking small objects");
  CAIRN_TRY(const auto snapshots, verify_objects(work));
  // Listed now that it is known what to look for.
  CAIRN_TRY(const PackDirectories directories, PackDirectories::list(view, [&](const auto& name) {
              work.findings.add(Finding::Severity::note, std::string(name),
                                "this name is not that of an object; it is left alone");
            }));
  CAIRN_TRY_STATUS(refresh_catalogue(view));
  report.snapshots_checked = snapshots.size();
  for (const CheckedSnapshot& checked : snapshots) {
    if (checked.snapshot.partial) {
      report.partial.push_back(checked.id);
    }
    if (checked.snapshot.problem_count > 0) {
      report.flawed.push_back(checked.id);
    }
  }
  report.contents_opened = options.check_integrity && view.repository.keys->can_read_data();
  meter.phase(options.check_integrity ? "checking packs and trees" : "checking trees");
  CAIRN_TRY_STATUS(options.check_integrity && options.snapshots.empty()
                       ? verify_everything(work, directories, snapshots, audited)
                       : verify_selection(work, directories, snapshots, audited));
  findings.append(audited.findings);
  if (audited.any_gone || findings.any_missing()) {
    CAIRN_TRY(const Meanwhile change, changed_since(view, directories, snapshots));
    if (change == Meanwhile::removed || (change == Meanwhile::added && !is_last)) {
      return std::optional<VerifyReport>();
    }
  }
  CAIRN_TRY_STATUS(attribute_damage(work, snapshots));
  report.packs_checked = audited.done.size();
  report.chunks_checked = audited.chunks_checked;
  report.bytes_read = audited.bytes_read;
  report.findings = findings.take();
  return std::optional<VerifyReport>(std::move(report));
}

}  // namespace

}  // namespace ops

static core::Result<VerifyReport> verify_once(ops::CatalogueView view, const VerifyOptions& options,
                                              Observer& observer) {
  ops::ProgressMeter meter(observer, view.repository.environment.clock);
  ops::AuditedPacks audited;
  for (int i = 0; i < ops::kLooksMax; ++i) {
    CAIRN_TRY(auto report, ops::look(view, options, i + 1 == ops::kLooksMax, audited, meter));
    if (report) {
      meter.finish();
      return std::move(*report);
    }
    observer.detail("index or packs changed meanwhile, as by a prune: looking again");
  }
  return core::fail(core::ErrorCode::busy,
                    fmt::format("the repository is busy: snapshots were forgotten or packs deleted "
                                "each of the {} times that it was checked, so it cannot be told "
                                "what is missing from what was moved",
                                ops::kLooksMax),
                    "nothing speaks for damage; verify again when no prune is at work");
}

core::Result<VerifyReport> verify(Repository& repository, const VerifyOptions& options,
                                  Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  if (!open.keys->can_read_metadata()) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot read snapshots", to_string(open.keys->role())),
        "use a key of role admin, restore, maintain or audit");
  }
  const auto once = [&](ops::CatalogueView view) { return verify_once(view, options, observer); };
  return ops::reported_verb(observer, "verify",
                            [&] { return ops::with_catalogue(open, observer, once); });
}

}  // namespace cairn::repo
