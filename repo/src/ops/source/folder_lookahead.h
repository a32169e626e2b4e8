#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/core/thread.h"
#include "ops/source/folder_scout.h"
#include "ops/source/source.h"

namespace cairn::repo::ops {

/// Threads that look at what comes next in a walk, so that the kernel has it in its cache by then.
/// They keep and report nothing: the walk opens, lists and stats everything itself, and its results
/// do not depend on them. docs/design/0007-lookahead.md.
///
/// They work only while it pays: they start when a WaitMeter has counted kWaitsToStart waits of the
/// walk within kWalkWindow timed calls, and pause when they themselves hardly wait, so that a tree
/// in the kernel's cache is walked by one thread.
///
/// How far ahead: in each of the lowest kLevelsLookedAt folders of the current path kNamesAhead
/// names and kSubfoldersAhead subfolders, and in each of those about FolderScout::kObjectsMax
/// objects; the lowest folders first. That makes at most about 70,000 objects, 80 MB of the
/// kernel's reclaimable memory. Memory of the process: names, usually less than 1 MiB and at most 4
/// MiB, and 64 KiB per thread. Descriptors: FolderScout::kDepthMax per thread and at most
/// kLevelsMax folders that the walk has closed; a thread opens nothing while three quarters of the
/// process' descriptors are in use.
///
/// They do not go where the walk would not go: not through links, not into folders that the choice
/// leaves out or that carry a tag. Nor do they enter other file systems or folders of an
/// automounter.
///
/// The public functions are for the walking thread only.
class FolderLookahead {
 public:
  static constexpr unsigned kWaitsToStart = 64;
  static constexpr unsigned kWalkWindow = 1024;
  static constexpr std::size_t kNamesAhead = 512;
  static constexpr std::size_t kNamesPerTask = 32;

  /// Uses the options' choice, clock, lookahead_threads and lookahead_at_once.
  explicit FolderLookahead(const WalkOptions& options);
  ~FolderLookahead();
  FolderLookahead(const FolderLookahead&) = delete;
  FolderLookahead& operator=(const FolderLookahead&) = delete;

  /// Called before and after a call of the walk that may have to wait. `names`: how many it listed.
  [[nodiscard]] WatchedCall watch() const {
    return is_measuring() ? WatchedCall(*clock_) : WatchedCall();
  }
  /// The same for one of many calls that are so short that reading the clock would matter.
  [[nodiscard]] WatchedCall watch_some() {
    return ++stats_ % kOneStatOf == 0 ? watch() : WatchedCall();
  }
  void note(const WatchedCall& call, std::size_t names = 0) {
    if (call.is_watched() && is_measuring()) {
      measure(call, names);
    }
  }

  [[nodiscard]] bool is_running() const noexcept {
    return running_.load(std::memory_order_relaxed);
  }
  /// A folder of the current path.
  struct Place {
    std::size_t depth;
    const std::shared_ptr<SourceFolder>& folder;
    InodeId id;
    const std::string& path;
    std::size_t position;  ///< the number of the next name
  };
  /// Tells where the walk is. False if no names are wanted.
  [[nodiscard]] bool go_to(const Place& place);
  /// Names of that folder in the walk's order; `first` is the number of the first one.
  void offer(std::size_t first, std::vector<std::string> names);
  /// The walk has passed all names before number `position` of the folder at this depth.
  void pass(std::size_t depth, std::size_t position);

  /// Ends for good and gives back all descriptors. False if there was nothing to end.
  bool end();

 private:
  static constexpr std::size_t kLevelsMax = 32;
  static constexpr std::size_t kLevelsLookedAt = 8;
  static constexpr std::size_t kSubfoldersAhead = 16;
  // Blocks of inodes have sizes of powers of two. With an odd interval the first inode of a block,
  // for which the disk is waited for, is not always missed.
  static constexpr unsigned kOneStatOf = 5;
  static constexpr unsigned kScoutsWindow = 4096;
  static constexpr unsigned kWaitsToGoOn = 64;

  struct Names {
    std::size_t first;
    std::vector<std::string> names;
  };
  struct Level {
    std::uint64_t serial = 0;  ///< never repeats
    std::size_t depth = 0;
    std::shared_ptr<SourceFolder> folder = {};
    InodeId id = {};
    std::string path = {};  ///< empty if there are no patterns
    std::size_t position = 0;
    std::deque<Names> names = {};
    std::map<std::size_t, FolderScout::Subfolder> subfolders = {};  ///< found, but not looked into
    std::set<std::size_t> taken = {};  ///< subfolders looked into that the walk has not reached
  };
  /// Names to be looked at, or a subfolder to be looked into.
  struct Task {
    std::uint64_t serial;
    std::shared_ptr<SourceFolder> folder;
    FolderScout::Place place;
    Names names;
    std::optional<FolderScout::Subfolder> subfolder;
  };

  [[nodiscard]] bool is_measuring() const noexcept { return may_start_ && !is_running(); }
  void measure(const WatchedCall& call, std::size_t names);
  void start();
  core::Status work();
  void perform(Task& task, FolderScout& scout);
  [[nodiscard]] std::optional<Task> next_task();
  [[nodiscard]] static std::optional<Task> next_task_in(Level& level);
  void count(WaitMeter& meter);

  const Choice* const choice_;
  core::Clock* const clock_;
  const core::Threads* const thread_source_;
  const unsigned threads_wanted_;
  const bool always_;
  // The walking thread's own.
  bool may_start_;
  unsigned stats_ = 0;
  WaitMeter meter_;
  std::vector<core::GuardedThread> threads_;

  RecentFolders recent_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> running_ = false;  ///< changed under the mutex
  std::mutex mutex_;                   ///< protects what follows
  std::condition_variable work_;
  std::vector<Level> levels_;  ///< the deepest last
  std::uint64_t next_serial_ = 1;
  unsigned calls_ = 0;
  unsigned waits_ = 0;
};

}  // namespace cairn::repo::ops
