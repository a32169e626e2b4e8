#include "cairn/repo/prune.h"

#include <fmt/format.h>

#include <gsl/assert>
#include <utility>

#include "ops/access.h"
#include "ops/collector.h"

namespace cairn::repo {

core::Result<PruneReport> prune(Repository& repository, const PruneOptions& options,
                                Observer& observer) {
  Expects(options.max_unused >= 0);
  ops::State& state = repository.state();
  CAIRN_TRY_STATUS(ops::require_collecting_key(state));
  ops::Collector collector(state, options, observer);
  CAIRN_TRY_STATUS(collector.plan());
  if (options.dry_run) {
    return std::move(collector.report());
  }
  if (collector.has_work()) {
    CAIRN_TRY_STATUS(collector.copy_needed());
    CAIRN_TRY_STATUS(collector.condemn());
    CAIRN_TRY_STATUS(collector.await_sessions());
    CAIRN_TRY_STATUS(collector.spare_needed());
    CAIRN_TRY_STATUS(collector.remove_doomed());
  }
  CAIRN_TRY_STATUS(collector.withdraw_records());
  CAIRN_TRY_STATUS(collector.clear_leftovers());
  collector.finish();
  CAIRN_TRY_STATUS(ops::ensure_catalogue(state, observer));
  return std::move(collector.report());
}

}  // namespace cairn::repo
