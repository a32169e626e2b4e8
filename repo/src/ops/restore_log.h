#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "cairn/repo/restore.h"
#include "ops/progress_meter.h"
#include "ops/tree_assembler.h"

namespace cairn::repo::ops {

/// What an ordinary user, or this file system, cannot be given.
enum class Skipped : std::uint8_t { owner = 0, special = 1, attribute = 2, flag = 3 };

/// What a restore did, collected from many threads for the report and told to the observer.
class RestoreLog {
 public:
  RestoreLog(ProgressMeter& meter, ProblemList& problems) : meter_(meter), problems_(problems) {}

  void done(RestoreAction action, const std::string& path);
  void skip(Skipped what, const std::string& path, std::string reason);
  void problem(ProblemKind kind, const std::string& path, std::string reason) {
    problems_.add({kind, path, std::move(reason)});
  }
  void add_written(std::uint64_t bytes) { bytes_written_ += bytes; }
  void add_kept(std::uint64_t bytes) { bytes_kept_ += bytes; }

  /// Call when all threads are done.
  void fill(RestoreReport& report);

 private:
  ProgressMeter& meter_;
  ProblemList& problems_;
  std::array<std::atomic<std::uint64_t>, kRestoreActionCount> actions_{};
  std::array<std::atomic<std::uint64_t>, 4> skips_{};
  std::atomic<std::uint64_t> bytes_written_{0};
  std::atomic<std::uint64_t> bytes_kept_{0};
  std::mutex mutex_;  ///< skipped_
  std::vector<Problem> skipped_;
};

}  // namespace cairn::repo::ops
