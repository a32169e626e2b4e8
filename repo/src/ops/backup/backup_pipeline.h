#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "ops/backup/file_ingest.h"
#include "ops/backup/ingest_control.h"
#include "ops/backup/tree_assembler.h"
#include "ops/backup/work_queue.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/open_repository.h"
#include "ops/writing/block_writer.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/stored_nodes.h"

namespace cairn::repo::ops {

struct PipelineOptions {
  std::vector<std::string> paths = {};                ///< absolute, sorted, none below another
  std::map<std::string, std::string> read_from = {};  ///< where some of them are read
  const StreamSource* stream = nullptr;               ///< a source instead of the paths
  StatCache* cache = nullptr;                         ///< nullptr: every file is read
  WalkOptions walk = {};                              ///< except what the pipeline fills in itself
  bool tell_changes = false;
  /// On the environment's monotonic clock: what has not been read by then is left out.
  std::optional<std::uint64_t> deadline_ns = {};
  unsigned workers = 1;
  std::stop_token stop = {};
};

/// Reads the sources into chunks and nodes: one thread walks (the caller's), `workers` threads
/// read, cut, hash and compress, one assembles folders in walk order, and the chunk store's thread
/// packs. Root ids depend on the sources only, never on timing.
///
/// Memory: kBatchesInFlight batches of at most kBatchSteps steps, each worker's FileIngest and
/// BlockWriter, and the chunk store's.
class BackupPipeline {
 public:
  BackupPipeline(const OpenRepository& repository, const PipelineOptions& options,
                 ChunkStore& store, ProgressMeter& meter);

  /// To be called once. Then all chunks have gone to the store, which need not have published them.
  [[nodiscard]] core::Result<std::vector<AssembledSource>> run();

  [[nodiscard]] ProblemList& problems() noexcept { return problems_; }
  [[nodiscard]] const ChangeCounts& changes() const noexcept { return changes_.counts; }
  /// True if the deadline passed before the end.
  [[nodiscard]] bool is_partial() const noexcept { return control_.is_partial(); }

 private:
  /// One thread's means of reading and storing.
  struct Worker {
    Worker(const IngestShared& shared, IdleWriters* others)
        : blocks(shared.store, others), ingest(shared, blocks) {}

    BlockWriter blocks;
    FileIngest ingest;
  };

  core::Status start_threads(std::vector<core::GuardedThread>& threads);
  core::Status walk_all();
  core::Status walk(const std::string& path);
  core::Status walk_opened(const std::string& path, SourceWalk& walk);
  [[nodiscard]] WalkOptions walk_options();
  core::Status push(std::shared_ptr<Batch> batch);
  core::Status checkpoint_if_due();
  core::Status checkpoint();
  core::Status work_until_done(Worker& worker);
  core::Status ingest_batch(FileIngest& ingest, Batch& batch);
  core::Status read_file(FileIngest& ingest, IngestedStep& step, MetObject& object);
  core::Status read_late(IngestedStep& step);
  core::Status flush_late() { return late_ ? late_->blocks.flush() : core::Status(); }
  core::Status assemble_all();
  void fail_with(core::Error error);

  const OpenRepository& repository_;
  const PipelineOptions& options_;
  ChunkStore& store_;
  ProgressMeter& meter_;
  ProblemList problems_;
  chunker::GearTable gear_;
  StoredNodes nodes_;
  WorkQueue queue_;
  IngestControl control_;
  IngestShared shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // For the walking thread.
  std::uint64_t removed_ = 0;
  std::optional<core::Error> first_failure_;  ///< of a source that could not be opened
  std::uint64_t checkpoint_ns_ = 0;
  std::uint64_t checkpoint_bytes_ = 0;
  // For the assembling thread, except while the queue is drained.
  std::vector<AssembledSource> sources_;
  std::unique_ptr<TreeAssembler> assembler_;
  std::optional<Worker> late_;  ///< if it was needed
  ChangeLog changes_;
};

}  // namespace cairn::repo::ops
