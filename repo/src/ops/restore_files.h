#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <vector>

#include "cairn/core/bounded_queue.h"
#include "cairn/core/result.h"
#include "ops/progress_meter.h"
#include "ops/restore_target.h"
#include "ops/state.h"

/// Fills files with their bytes, block by block instead of file by file.
namespace cairn::repo::ops {

/// A file on its way: it gets its final name when no work on it is outstanding.
struct RestoredFile {
  RestoredFile(RestoreTarget& target, std::shared_ptr<TargetFolder> folder, Entry entry);
  /// Removes the temporary file unless the file was finished.
  ~RestoredFile();
  RestoredFile(const RestoredFile&) = delete;
  RestoredFile& operator=(const RestoredFile&) = delete;

  RestoreTarget& target;
  std::shared_ptr<TargetFolder> folder;
  Entry entry;
  bool has_holes = false;
  /// Slices not yet written, and one for the planning of the rest.
  std::atomic<std::uint64_t> outstanding{1};

  std::mutex mutex;  ///< what follows
  std::string temporary_name;
  std::shared_ptr<Descriptor> descriptor;
  std::optional<std::string> failure;
  bool is_finished = false;
};

struct RestoreFilesOptions {
  unsigned workers = 1;
  std::stop_token stop;
};

/// Plans and executes. The planning thread adds files in walk order; a window of kWindowSlices
/// slices is sorted by (pack, block), so that each block is read, opened and expanded once per
/// window, and handed to the workers.
///
/// Memory: two windows of slices (some 80 bytes each), per worker one block (stored and expanded),
/// at most kOpenFilesMax open files.
class RestoreFiles {
 public:
  RestoreFiles(State& state, RestoreTarget& target, const RestoreFilesOptions& options,
               ProblemList& problems, ProgressMeter& meter);
  ~RestoreFiles();
  RestoreFiles(const RestoreFiles&) = delete;
  RestoreFiles& operator=(const RestoreFiles&) = delete;

  /// Plans one file. Takes over one pending piece of the folder's work. Errors end the restore;
  /// what is wrong with this file alone goes to the problems.
  core::Status add(std::shared_ptr<TargetFolder> folder, Entry entry);
  /// Waits until all files are finished or failed. Call once. Where a block could not be read, the
  /// catalogue is made again first, in case it was the catalogue that was wrong.
  core::Status finish(Observer& observer);

  [[nodiscard]] std::uint64_t files_failed() const noexcept { return files_failed_; }

 private:
  struct Slice {
    std::shared_ptr<RestoredFile> file;
    ChunkId chunk;
    std::uint64_t file_offset = 0;
    std::uint32_t block_offset = 0;
    std::uint32_t length_bytes = 0;
  };
  struct BlockTask {
    std::shared_ptr<const store::PackSummary> pack;
    std::uint32_t block = 0;
    std::vector<Slice> slices;  ///< sorted by block_offset
  };
  struct Scratch {
    store::BlockReader::Scratch reader;
    core::Bytes plain;
  };

  core::Status plan_window();
  [[nodiscard]] core::Result<std::vector<BlockTask>> tasks_of(std::vector<Slice> slices);
  [[nodiscard]] core::Result<std::shared_ptr<const store::PackSummary>> pack_summary(
      store::PackNumber number);
  void run();
  core::Status run_task(BlockTask task, Scratch& scratch);
  core::Status write_slices(const BlockTask& task, core::ByteView plain);
  core::Status write_slice(const Slice& slice, core::ByteView data);
  void set_aside(std::vector<Slice> slices, const core::Error& error);
  void fail_slice(const Slice& slice, const std::string& reason);
  core::Status retry(Observer& observer);
  core::Status finish_one(const std::shared_ptr<RestoredFile>& file);
  core::Status complete(RestoredFile& file);
  void end_with(core::Error error);
  [[nodiscard]] core::Status check() const;

  static constexpr std::size_t kWindowSlices = 64 * 1024;
  static constexpr std::size_t kOpenFilesMax = 256;
  static constexpr std::size_t kSetAsideMax = 64 * 1024;

  State& state_;
  RestoreTarget& target_;
  RestoreFilesOptions options_;
  ProblemList& problems_;
  ProgressMeter& meter_;
  std::vector<Slice> window_;
  std::unordered_map<store::PackNumber, std::shared_ptr<const store::PackSummary>> packs_;
  core::BoundedQueue<BlockTask> queue_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> open_files_{0};
  std::atomic<std::uint64_t> files_failed_{0};
  bool is_retry_ = false;

  mutable std::mutex mutex_;  ///< what follows
  std::optional<core::Error> error_;
  std::vector<Slice> set_aside_;
  std::string set_aside_reason_;
};

}  // namespace cairn::repo::ops
