#include "ops/target/restore_log.h"

#include <utility>

#include "ops/tree/tree_counts.h"

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

void RestoreLog::spare(Spared why, const std::string& path) {
  spared_.at(static_cast<std::size_t>(why)) += 1;
  done(RestoreAction::kept, path);
}

void RestoreLog::placed(RestoreAction action, const std::string& path, const Entry& entry) {
  done(action, path);
  stands(entry, action == RestoreAction::unchanged || action == RestoreAction::metadata_set);
}

void RestoreLog::stands(const Entry& entry, bool stood_before) {
  const std::scoped_lock lock(mutex_);
  count_entry(entry, standing_);
  if (stood_before) {
    count_entry(entry, unchanged_);
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
  report.skipped_set_id = skips(Skipped::set_id);
  report.failed = failed_;
  const auto spared = [this](Spared why) {
    return spared_.at(static_cast<std::size_t>(why)).load();
  };
  report.spared_in_use = spared(Spared::in_use);
  report.spared_unread = spared(Spared::unread);
  report.spared_left_out = spared(Spared::left_out);
  report.spared_mounted = spared(Spared::mounted);
  report.bytes_written = bytes_written_;
  report.bytes_kept = bytes_kept_;
  const std::scoped_lock lock(mutex_);
  report.restored = standing_;
  report.unchanged = unchanged_;
  report.skipped = std::move(skipped_);
}

}  // namespace ops
}  // namespace cairn::repo
