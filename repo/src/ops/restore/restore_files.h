#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

#include "cairn/core/bounded_queue.h"
#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/restore/restore_compare.h"
#include "ops/restore/restore_plan.h"
#include "ops/target/restore_target.h"
#include "ops/target/restored_file.h"

/// Fills files with their bytes, block by block instead of file by file.
namespace cairn::repo::ops {

struct RestoreFilesOptions {
  unsigned workers = 1;
  std::stop_token stop;
};

/// Plans and executes. The planning thread adds files in walk order. If there is something in the
/// target, workers compare it first. What differs, and what is new, is sorted window by window
/// (kWindowSlices slices or kWindowFiles files) by (pack, block), so that each block is read,
/// opened and expanded once per window and worker, and passed to the workers. In a dry run nothing
/// is fetched.
///
/// If the system cannot start so many threads, there are fewer workers; if it cannot start any, the
/// first add() returns that error.
///
/// Memory: one window of slices, those compared since it was planned and those carried over (about
/// 80 bytes each) and files (about 1 KiB each: the entry); kQueuedSlices slices in the queue, each
/// perhaps of a different file; per worker one block (stored and expanded), BlockTask::kSlicesMax
/// slices and as many views and ids; at most OpenFiles::kMax open files; and, for files being
/// patched, 24 bytes for each run of chunks that differ.
class RestoreFiles {
 public:
  RestoreFiles(CatalogueView view, RestoreTarget& target, const RestoreFilesOptions& options,
               ProgressMeter& meter);
  ~RestoreFiles();
  RestoreFiles(const RestoreFiles&) = delete;
  RestoreFiles& operator=(const RestoreFiles&) = delete;

  /// Plans one file. Takes over one pending piece of the folder's work. Errors end the restore;
  /// what is wrong with this file alone goes to the problems. `stale_sides`: as in StaleSides.
  core::Status add(std::shared_ptr<TargetFolder> folder, Entry entry,
                   std::vector<std::string> stale_sides = {});
  /// Waits until all files are finished or failed. To be called once. If a block could not be read,
  /// the catalogue is rebuilt first, in case the catalogue was wrong.
  core::Status finish(OpenRepository& repository, Observer& observer);

 private:
  struct CompareTask {
    std::vector<Slice> slices;
  };
  using Task = std::variant<BlockTask, CompareTask>;
  struct Scratch {
    store::BlockReader::Scratch reader;
    core::Bytes plain;
    std::optional<std::pair<PackId, std::uint32_t>> holds;  ///< the block that is in `plain`
    core::Bytes standing;
  };

  core::Status add_slices(const std::shared_ptr<RestoredFile>& file);
  /// Passes added slices on to be compared: once there are enough to share out, or all of them.
  core::Status hand_over_comparison(bool all);
  /// Waits until everything added has been compared.
  core::Status await_comparison();
  core::Status plan_window(bool is_last = false);
  void start_threads();
  core::Status run();
  core::Status compare(CompareTask task, Scratch& scratch);
  core::Status compare_slice(FileComparison& comparison, const Slice& slice, Scratch& scratch,
                             std::vector<Slice>& wanted);
  core::Status fetch(BlockTask task, Scratch& scratch);
  /// The bytes of each slice, all checked together; empty for a slice whose bytes do not match its
  /// chunk.
  [[nodiscard]] std::vector<core::ByteView> intact_pieces(const BlockTask& task,
                                                          core::ByteView plain) const;
  core::Status write_slices(const BlockTask& task, core::ByteView plain);
  void set_aside(std::vector<Slice> slices, const core::Error& error);
  core::Status retry(OpenRepository& repository, Observer& observer);
  /// This many pieces of work are done, or failed; the last one completes the file. Errors end the
  /// restore.
  core::Status pieces_done(const std::shared_ptr<RestoredFile>& file, std::uint64_t pieces,
                           core::Status status = {});
  void end_with(core::Error error);
  [[nodiscard]] core::Status check() const;

  static constexpr std::size_t kWindowSlices = 64 * 1024;
  static constexpr std::size_t kWindowFiles = 8 * 1024;
  static constexpr std::size_t kSetAsideMax = 64 * 1024;

  CatalogueView view_;
  RestoreTarget& target_;
  RestoreFilesOptions options_;
  ProgressMeter& meter_;
  OpenFiles open_files_;
  std::vector<Slice> window_;      ///< to be fetched
  std::vector<Slice> to_compare_;  ///< not yet shared out
  std::uint64_t to_compare_bytes_ = 0;
  std::size_t window_slices_ = 0;  ///< added since the last window was planned, to either
  std::size_t window_files_ = 0;
  RestorePlanner planner_;
  core::BoundedQueue<Task> queue_;
  std::vector<core::GuardedThread> threads_;
  bool is_retry_ = false;

  mutable std::mutex mutex_;  ///< protects what follows
  std::optional<core::Error> error_;
  std::condition_variable compared_;
  std::size_t comparing_ = 0;   ///< tasks in the queue or being compared
  std::vector<Slice> differs_;  ///< compared, and to be fetched in the next window
  std::vector<Slice> set_aside_;
  std::string set_aside_reason_;
};

}  // namespace cairn::repo::ops
