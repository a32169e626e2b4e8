#include "ops/restore_log.h"

#include <utility>

namespace cairn::repo {

std::string_view to_string(RestoreAction action) noexcept {
  switch (action) {
    case RestoreAction::created:
      return "created";
    case RestoreAction::updated:
      return "updated";
    case RestoreAction::metadata_set:
      return "metadata_set";
    case RestoreAction::unchanged:
      return "unchanged";
    case RestoreAction::kept:
      return "kept";
    case RestoreAction::deleted:
      return "deleted";
  }
  return "unknown";
}

namespace ops {

void RestoreLog::done(RestoreAction action, const std::string& path) {
  actions_.at(static_cast<std::size_t>(action)) += 1;
  meter_.restored(action, path);
}

void RestoreLog::skip(Skipped what, const std::string& path, std::string reason) {
  skips_.at(static_cast<std::size_t>(what)) += 1;
  const std::scoped_lock lock(mutex_);
  if (skipped_.size() < kProblemsMax) {
    skipped_.push_back({ProblemKind::incomplete_metadata, path, std::move(reason)});
  }
}

void RestoreLog::fill(RestoreReport& report) {
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    report.changes.counts.at(i) = actions_.at(i);
  }
  const auto skips = [this](Skipped what) {
    return skips_.at(static_cast<std::size_t>(what)).load();
  };
  report.skipped_owner = skips(Skipped::owner);
  report.skipped_special = skips(Skipped::special);
  report.skipped_attributes = skips(Skipped::attribute);
  report.skipped_flags = skips(Skipped::flag);
  report.bytes_written = bytes_written_;
  report.bytes_kept = bytes_kept_;
  const std::scoped_lock lock(mutex_);
  report.skipped = std::move(skipped_);
}

}  // namespace ops
}  // namespace cairn::repo
