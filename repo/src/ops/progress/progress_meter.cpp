#include "ops/progress/progress_meter.h"

namespace cairn::repo {

std::string_view to_string(Change change) noexcept {
  switch (change) {
    case Change::added:
      return "added";
    case Change::modified:
      return "modified";
    case Change::removed:
      return "removed";
  }
  return "unknown";
}

}  // namespace cairn::repo

namespace cairn::repo::ops {

void ProgressMeter::file_done(const std::string& path) {
  files_done_ += 1;
  at(path);
}

void ProgressMeter::at(const std::string& path) {
  const std::uint64_t now = clock_.monotonic_ns();
  std::uint64_t due = next_ns_.load(std::memory_order_relaxed);
  if (now < due || !next_ns_.compare_exchange_strong(due, now + kIntervalNs)) {
    return;  // too early, or another thread reports
  }
  tell(path);
}

void ProgressMeter::tell(const std::string& path) {
  Progress progress;
  progress.files_done = files_done_;
  progress.files_total = files_total_;
  progress.bytes_done = bytes_done_;
  progress.bytes_total = bytes_total_;
  progress.bytes_stored = bytes_stored_;
  progress.problems = problems_;
  progress.counts_packs = counts_packs_;
  progress.current_path = path;
  const std::scoped_lock lock(mutex_);
  observer_.progress(progress);
}

void ProgressMeter::phase(std::string_view phase) {
  const std::scoped_lock lock(mutex_);
  observer_.event(PhaseBegun{phase});
}

void ProgressMeter::change(Change change, std::string_view path) {
  const std::scoped_lock lock(mutex_);
  observer_.change(change, path);
}

void ProgressMeter::problem(const Problem& problem) {
  problems_ += 1;
  const std::scoped_lock lock(mutex_);
  observer_.problem(problem);
}

void ProgressMeter::restored(RestoreAction action, std::string_view path) {
  const std::scoped_lock lock(mutex_);
  observer_.restored(action, path);
}

void ProgressMeter::detail(std::string_view text) {
  const std::scoped_lock lock(mutex_);
  observer_.detail(text);
}

void ProgressMeter::warning(std::string_view text) {
  const std::scoped_lock lock(mutex_);
  observer_.warning(text);
}

void ProgressMeter::finish() { tell({}); }

}  // namespace cairn::repo::ops
