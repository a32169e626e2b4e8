#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "cairn/core/clock.h"
#include "cairn/repo/observer.h"

namespace cairn::repo::ops {

/// Collects progress from many threads and reports it to the observer at most about twenty times a
/// second. Thread-safe; adding bytes is one atomic addition.
class ProgressMeter {
 public:
  ProgressMeter(Observer& observer, core::Clock& clock) : observer_(observer), clock_(clock) {}

  void add_bytes(std::uint64_t bytes) { bytes_done_ += bytes; }
  void add_stored(std::uint64_t bytes) { bytes_stored_ += bytes; }
  void set_totals(std::uint64_t files, std::uint64_t bytes) {
    files_total_ = files;
    bytes_total_ = bytes;
  }
  /// The same for packs, which are counted from now on.
  void set_pack_totals(std::uint64_t packs, std::uint64_t bytes) {
    set_totals(packs, bytes);
    counts_packs_ = true;
  }
  /// One more object is done; `path` becomes the current one.
  void file_done(const std::string& path);
  void files_done(std::uint64_t count) { files_done_ += count; }
  /// The work has reached `path`; reports that if it is time to.
  void at(const std::string& path);
  void phase(std::string_view phase);
  void change(Change change, std::string_view path);
  void problem(const Problem& problem);
  void restored(RestoreAction action, std::string_view path);
  void detail(std::string_view text);
  void warning(std::string_view text);
  /// Reports the final figures in any case.
  void finish();

 private:
  void tell(const std::string& path);

  static constexpr std::uint64_t kIntervalNs = 50'000'000;

  Observer& observer_;
  core::Clock& clock_;
  std::mutex mutex_;  ///< serialises calls of the observer
  std::atomic<std::uint64_t> next_ns_{0};
  std::atomic<std::uint64_t> files_done_{0};
  std::atomic<std::uint64_t> files_total_{0};
  std::atomic<std::uint64_t> bytes_done_{0};
  std::atomic<std::uint64_t> bytes_total_{0};
  std::atomic<std::uint64_t> bytes_stored_{0};
  std::atomic<std::uint64_t> problems_{0};
  std::atomic<bool> counts_packs_{false};
};

}  // namespace cairn::repo::ops
