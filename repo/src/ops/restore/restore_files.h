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

/// Plans and executes. The planning thread adds files in walk order. Where something is in the
/// target, workers compare it first; what differs, and what is new, is sorted window by window
/// (kWindowSlices slices or kWindowFiles files) by (pack, block), so that each block is read,
/// opened and expanded once per window and worker, and handed to the workers. In a dry run nothing
/// is fetched.
///
/// Where the system has no room for so many threads there are fewer workers; if there is none, the
/// first add() says so.
///
/// Memory: two windows of slices and what is carried over (some 80 bytes each) and files (about 1
/// KiB each: the entry), kQueuedSlices slices that wait in the queue, each perhaps a file of its
/// own, per worker one block (stored and expanded), BlockTask::kSlicesMax slices and as many views
/// and ids, at most OpenFiles::kMax open files, and 24 bytes for each run of chunks that differs of
/// the files that are being patched.
class RestoreFiles {
 public:
  RestoreFiles(CatalogueView view, RestoreTarget& target, const RestoreFilesOptions& options,
               ProgressMeter& meter);
  ~RestoreFiles();
  RestoreFiles(const RestoreFiles&) = delete;
  RestoreFiles& operator=(const RestoreFiles&) = delete;

  /// Plans one file. Takes over one pending piece of the folder's work. Errors end the restore;
  /// what is wrong with this file alone goes to the problems.
  /// `stale_sides`: as in StaleSides.
  core::Status add(std::shared_ptr<TargetFolder> folder, Entry entry,
                   std::vector<std::string> stale_sides = {});
  /// Waits until all files are finished or failed. Call once. Where a block could not be read, the
  /// catalogue is made again first, in case it was the catalogue that was wrong.
  core::Status finish(OpenRepository& repository, Observer& observer);

 private:
  struct CompareTask {
    std::vector<Slice> slices;
  };
  using Task = std::variant<BlockTask, CompareTask>;
  struct Scratch {
    store::BlockReader::Scratch reader;
    core::Bytes plain;
    std::optional<std::pair<PackId, std::uint32_t>> holds;  ///< the block that `plain` is
    core::Bytes standing;
  };

  core::Status add_slices(const std::shared_ptr<RestoredFile>& file);
  /// Has what was added compared once that is enough to share out, or all of it.
  core::Status hand_over_comparison(bool all);
  /// Waits until all that was added is compared.
  core::Status await_comparison();
  core::Status plan_window(bool is_last = false);
  void start_threads();
  core::Status run();
  core::Status compare(CompareTask task, Scratch& scratch);
  core::Status compare_slice(FileComparison& comparison, const Slice& slice, Scratch& scratch,
                             std::vector<Slice>& wanted);
  core::Status fetch(BlockTask task, Scratch& scratch);
  /// The bytes of each slice, all checked together; empty where they are not what the slice's chunk
  /// is.
  [[nodiscard]] std::vector<core::ByteView> intact_pieces(const BlockTask& task,
                                                          core::ByteView plain) const;
  core::Status write_slices(const BlockTask& task, core::ByteView plain);
  void set_aside(std::vector<Slice> slices, const core::Error& error);
  core::Status retry(OpenRepository& repository, Observer& observer);
  /// So many pieces of work are done, or could not be; with the last one the file is. Errors end
  /// the restore.
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

  mutable std::mutex mutex_;  ///< what follows
  std::optional<core::Error> error_;
  std::condition_variable compared_;
  std::size_t comparing_ = 0;   ///< tasks in the queue or at work
  std::vector<Slice> differs_;  ///< was compared, and is to be fetched in the next window
  std::vector<Slice> set_aside_;
  std::string set_aside_reason_;
};

}  // namespace cairn::repo::ops
