#include "cairn/repo/repair.h"

#include <algorithm>
#include <set>

#include "ops/collect/index_rewrite.h"
#include "ops/progress/after_commit.h"
#include "ops/repository/access.h"
#include "ops/repository/catalogue_view.h"
#include "ops/repository/pack_directories.h"

namespace cairn::repo {

core::Result<RepairIndexReport> repair_index(Repository& repository,
                                             const RepairIndexOptions& options,
                                             Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_collecting_key(open));
  CAIRN_TRY(const auto directories, ops::PackDirectories::list(open));
  RepairIndexReport report;
  report.segments_before = directories.segments().size();
  std::set<IndexSegmentId> readable;
  std::set<PackId> listed;
  std::set<PackId> found;
  std::set<PackId> missing;
  CAIRN_TRY_STATUS(directories.visit(
      [&](const ops::PackDirectories::Visited& visited) -> core::Status {
        const PackId& id = visited.pack.id;
        if (visited.segment != nullptr) {
          readable.insert(*visited.segment);
        }
        if (!directories.present().contains(id)) {
          missing.insert(id);
        } else if (visited.segment == nullptr) {
          found.insert(id);
        } else {
          listed.insert(id);
        }
        return {};
      },
      options.stop, observer));
  report.segments_damaged = report.segments_before - readable.size();
  report.packs = listed.size() + found.size();
  report.packs_found = found.size();
  report.missing.assign(missing.begin(), missing.end());
  for (const auto& [id, size] : directories.present()) {
    if (!listed.contains(id) && !found.contains(id)) {
      report.unreadable.push_back(id);
    }
  }
  std::ranges::sort(report.unreadable);
  if (options.dry_run) {
    report.segments_after = report.segments_before;
    return report;
  }
  CAIRN_TRY(const ops::RewrittenIndex rewritten,
            ops::rewrite_index(open, {.leave_out = {}, .replace_all = true, .stop = options.stop},
                               observer));
  report.segments_after = rewritten.written;
  ops::AfterCommit after(observer, "the index is written anew");
  // Opened first: a sound catalogue keeps the stat cache and the end of the client's chain.
  if (after(ops::ensure_catalogue(open, observer))) {
    after(ops::rebuild_catalogue(open, observer));
  }
  return report;
}

}  // namespace cairn::repo
