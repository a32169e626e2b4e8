#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/restore.h"
#include "ops/progress/problem_list.h"
#include "ops/progress/progress_meter.h"

namespace cairn::repo::ops {

/// What an ordinary user may not set, or this file system cannot store.
enum class Skipped : std::uint8_t { owner = 0, special = 1, attribute = 2, flag = 3, set_id = 4 };

/// Why something that the snapshot does not have is not deleted.
enum class Spared : std::uint8_t {
  in_use = 0,    ///< the repository itself, the cache, a key
  unread = 1,    ///< the backup could not read it, or what lies above it
  left_out = 2,  ///< the backup was told to leave it out
  mounted = 3,   ///< another file system; the snapshot has nothing of it
};
inline constexpr std::size_t kSparedCount = 4;

/// What a restore did, collected from many threads for the report and reported to the observer.
class RestoreLog {
 public:
  RestoreLog(ProgressMeter& meter, ProblemList& problems) : meter_(meter), problems_(problems) {}

  void done(RestoreAction action, const std::string& path);
  void skip(Skipped what, const std::string& path, std::string reason);
  void problem(ProblemKind kind, const std::string& path, std::string reason) {
    problems_.add({kind, path, std::move(reason)});
  }
  void spare(Spared why, const std::string& path);
  void warning(std::string_view text) { meter_.warning(text); }
  /// done() for an object that is now as in the snapshot.
  void placed(RestoreAction action, const std::string& path, const Entry& entry);
  /// The object is in the target as in the snapshot.
  void stands(const Entry& entry, bool stood_before);
  /// This many objects at `path` could not be restored: what was there is unchanged.
  void failed(std::uint64_t objects, const std::string& path, std::string reason) {
    failed_ += objects;
    problem(ProblemKind::unreadable, path, std::move(reason));
  }
  void add_written(std::uint64_t bytes) { bytes_written_ += bytes; }
  void add_kept(std::uint64_t bytes) { bytes_kept_ += bytes; }

  /// To be called when all threads are done.
  void fill(RestoreReport& report);

 private:
  ProgressMeter& meter_;
  ProblemList& problems_;
  std::array<std::atomic<std::uint64_t>, kRestoreActionCount> actions_{};
  std::array<std::atomic<std::uint64_t>, 5> skips_{};
  std::array<std::atomic<std::uint64_t>, kSparedCount> spared_{};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> bytes_written_{0};
  std::atomic<std::uint64_t> bytes_kept_{0};
  std::mutex mutex_;  ///< protects what follows
  TreeCounts standing_;
  TreeCounts unchanged_;
  std::vector<Problem> skipped_;
};

}  // namespace cairn::repo::ops
