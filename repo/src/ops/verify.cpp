#include "cairn/repo/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <stop_token>
#include <utility>

#include "ops/findings.h"
#include "ops/pack_audit.h"
#include "ops/pack_directories.h"
#include "ops/progress_meter.h"
#include "ops/state.h"
#include "ops/verify_steps.h"

namespace cairn::repo {

namespace ops {

core::Status verify_packs(VerifyWork& work, const NeededBlocks* needed) {
  std::vector<AuditedPack> packs;
  CAIRN_TRY_STATUS(work.state.catalogue->for_each_pack(
      [&](store::PackNumber number, const PackId& id, std::uint64_t size,
          format::BlockKind /*kind*/) -> core::Status {
        if (needed == nullptr || needed->needs_pack(number)) {
          packs.push_back({number, id, size});
        }
        return {};
      }));
  work.report.packs_checked = packs.size();
  CAIRN_TRY(const PackAuditResult result,
            audit_packs(work.state, std::move(packs),
                        {.workers = work.options.workers, .stop = work.options.stop}, work.findings,
                        work.meter));
  work.report.bytes_read += result.bytes_read;
  work.report.chunks_checked += result.chunks_opened;
  return {};
}

namespace {

/// What moved while it was looked for may look lost.
core::Status doubt_beside_prune(State& state, const PackDirectories& before,
                                std::vector<Finding>& findings) {
  CAIRN_TRY(const PackDirectories now, PackDirectories::list(state));
  const bool were_deleted = std::ranges::any_of(
      before.present(), [&now](const auto& pack) { return !now.present().contains(pack.first); });
  if (were_deleted) {
    findings.push_back({.severity = Finding::Severity::note,
                        .object = "packs",
                        .message = "some were deleted while this check ran, as by a prune, so what "
                                   "it missed may be somewhere else by now",
                        .advice = "verify again when no prune is at work",
                        .affected = {},
                        .affected_count = 0});
  }
  return {};
}

core::Status check_trees(TreeCheck& trees, const std::vector<CheckedSnapshot>& snapshots,
                         ProgressMeter& meter) {
  for (const CheckedSnapshot& snapshot : snapshots) {
    meter.detail(fmt::format("checking snapshot {}", snapshot.id.short_hex()));
    CAIRN_TRY_STATUS(trees.check(snapshot));
  }
  return {};
}

/// Once all trees are walked: a pack that is gone, and of which nothing is needed that lies nowhere
/// else, is no loss. Collectors that were cut off leave the index so.
void excuse_missing(const VerifyWork& work, const NeededBlocks& needed) {
  for (const auto& [pack, finding] : work.missing) {
    if (!needed.needs_pack(pack)) {
      work.findings.excuse(finding, "; no snapshot needs it; cairn prune takes it off the index");
    }
  }
}

/// The index, the trees of some snapshots, then the packs that these need.
core::Status verify_selection(VerifyWork& work, const std::vector<CheckedSnapshot>& snapshots) {
  CAIRN_TRY_STATUS(verify_index(work));
  TreeCheck trees(work);
  CAIRN_TRY_STATUS(check_trees(trees, snapshots, work.meter));
  if (work.options.snapshots.empty()) {
    excuse_missing(work, trees.needed());
  }
  return work.options.check_integrity ? verify_packs(work, &trees.needed()) : core::Status();
}

/// All packs, and meanwhile the index and all trees: one thread's work, most of it waiting for the
/// catalogue. Each has findings of its own, so that what is told does not depend on who was first.
/// Progress is that of the packs.
core::Status verify_everything(VerifyWork& work, const std::vector<CheckedSnapshot>& snapshots) {
  std::stop_source stop;
  const std::stop_callback stop_both(work.options.stop, [&stop] { stop.request_stop(); });
  VerifyOptions options = work.options;
  options.stop = stop.get_token();
  Findings of_packs;
  VerifyWork packs{work.state, options, work.meter, of_packs, work.report};
  Observer nobody;
  ProgressMeter silent(nobody, work.state.environment.clock);
  VerifyWork walk{work.state, options, silent, work.findings, work.report};
  TreeCheck trees(walk);

  auto packs_thread = core::GuardedThread::start(
      work.state.environment.threads,
      {.action = "checking packs", .work = [&packs] { return verify_packs(packs, nullptr); }});
  const core::Status trees_status = core::guarded("checking trees", [&]() -> core::Status {
    CAIRN_TRY_STATUS(verify_index(walk));
    return check_trees(trees, snapshots, work.meter);
  });
  if (!trees_status) {
    stop.request_stop();
  }
  // Without a thread to spare, one after the other.
  const core::Status packs_status =
      packs_thread ? packs_thread->join() : verify_packs(packs, nullptr);
  CAIRN_TRY_STATUS(trees_status);
  CAIRN_TRY_STATUS(packs_status);
  excuse_missing(walk, trees.needed());
  work.findings.append(of_packs);
  return {};
}

}  // namespace

}  // namespace ops

core::Result<VerifyReport> verify(Repository& repository, const VerifyOptions& options,
                                  Observer& observer) {
  ops::State& state = repository.state();
  if (!state.keys->can_read_metadata()) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot read snapshots", to_string(state.keys->role())),
        "use a key of role admin, restore, maintain or audit");
  }
  CAIRN_TRY(const auto packs_before, ops::PackDirectories::list(state));
  CAIRN_TRY_STATUS(ops::ensure_catalogue(state, observer));
  ops::ProgressMeter meter(observer, state.environment.clock);
  ops::Findings findings;
  VerifyReport report;
  ops::VerifyWork work{state, options, meter, findings, report};

  CAIRN_TRY(const auto snapshots, ops::verify_objects(work));
  report.snapshots_checked = snapshots.size();
  report.contents_opened = options.check_integrity && state.keys->can_read_data();
  CAIRN_TRY_STATUS(options.check_integrity && options.snapshots.empty()
                       ? ops::verify_everything(work, snapshots)
                       : ops::verify_selection(work, snapshots));
  CAIRN_TRY_STATUS(ops::attribute_damage(work, snapshots));
  meter.finish();
  report.findings = findings.take();
  if (report.damaged()) {
    CAIRN_TRY_STATUS(ops::doubt_beside_prune(state, packs_before, report.findings));
  }
  return report;
}

}  // namespace cairn::repo
