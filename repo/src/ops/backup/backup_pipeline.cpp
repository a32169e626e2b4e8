#include "ops/backup/backup_pipeline.h"

#include <fmt/format.h>

#include <gsl/util>
#include <utility>

#include "cairn/core/stop.h"
#include "ops/source/stream_walk.h"

namespace cairn::repo::ops {

namespace {

// A batch is about one block of data, so that a worker fills whole blocks from one place of the
// tree. Its folders stay open until it is done: 24 batches of 12 folders are 288 descriptors, well
// below the usual limit of 1,024.
constexpr std::size_t kBatchesInFlight = 24;
constexpr std::uint64_t kBatchBytes = 1024 * 1024;
constexpr std::size_t kBatchSteps = 512;
constexpr std::size_t kBatchFolders = 12;
constexpr std::size_t kBatchUnchanged = 4096;
// For what the steps themselves take: paths, link targets, attributes.
constexpr std::size_t kBatchStepBytes = 512 * 1024;

// They wait for the disk, not for a processor.
constexpr unsigned kLookaheadThreads = 4;

// The most that a killed backup loses: the work since its last checkpoint.
constexpr std::uint64_t kCheckpointNs = 60'000'000'000;
constexpr std::uint64_t kCheckpointStoredBytes = 512ULL * 1024 * 1024;

/// How much a batch contains.
class BatchLoad {
 public:
  void add(const WalkStep& step) {
    steps_ += 1;
    if (const auto* const run = std::get_if<UnchangedRun>(&step)) {
      unchanged_ += run->birth_times.size();
    } else if (const WalkItem* const item = item_of(step)) {
      folders_ += item->folder.get() != last_folder_ ? 1U : 0U;
      last_folder_ = item->folder.get();
      file_bytes_ += item->entry.type == EntryType::file ? item->size_bytes : 0;
      step_bytes_ += item->path.size() + item->entry.link_target.size();
      for (const Xattr& xattr : item->entry.xattrs) {
        step_bytes_ += xattr.name.size() + xattr.value.size();
      }
    }
  }
  [[nodiscard]] bool is_full() const noexcept {
    return file_bytes_ >= kBatchBytes || steps_ >= kBatchSteps || folders_ >= kBatchFolders ||
           unchanged_ >= kBatchUnchanged || step_bytes_ >= kBatchStepBytes;
  }

 private:
  std::uint64_t file_bytes_ = 0;
  std::size_t step_bytes_ = 0;
  std::size_t steps_ = 0;
  std::size_t folders_ = 0;
  std::size_t unchanged_ = 0;
  const SourceFolder* last_folder_ = nullptr;
};

bool is_fault_of_source(core::ErrorCode code) {
  return code == core::ErrorCode::not_found || code == core::ErrorCode::permission_denied ||
         code == core::ErrorCode::io;
}

/// The text of the error without the path, which the problem names.
std::string reason_of_source(const core::Error& error, const std::string& path) {
  const std::string prefix = fmt::format("open source {}: ", path);
  return error.message().starts_with(prefix) ? error.message().substr(prefix.size())
                                             : error.message();
}

}  // namespace

BackupPipeline::BackupPipeline(const OpenRepository& repository, const PipelineOptions& options,
                               ChunkStore& store, ProgressMeter& meter)
    : repository_(repository),
      options_(options),
      store_(store),
      meter_(meter),
      problems_(meter),
      gear_(repository.keys->chunker_key()),
      nodes_(store, *repository.keys),
      queue_(kBatchesInFlight),
      control_(repository.environment.clock, options.deadline_ns, options.stop),
      shared_{.policy = repository.config.chunking,
              .gear = gear_,
              .keys = *repository.keys,
              .clock = repository.environment.clock,
              .store = store,
              .nodes = nodes_,
              .control = control_,
              .meter = meter,
              .times = store.options().times},
      changes_(meter, options.tell_changes) {
  for (unsigned i = 0; i < options_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(shared_, &queue_));
  }
}

core::Result<std::vector<AssembledSource>> BackupPipeline::run() {
  checkpoint_ns_ = repository_.environment.clock.monotonic_ns();
  {
    std::vector<core::GuardedThread> threads;
    // However this ends, nobody must wait for batches that will not come.
    const auto let_go = gsl::finally([this] { queue_.cancel(); });
    CAIRN_TRY_STATUS(start_threads(threads));
    auto status = core::guarded("walking the sources", [this] { return walk_all(); });
    if (!status) {
      fail_with(std::move(status).error());
    }
    queue_.close();
    for (core::GuardedThread& thread : threads) {
      [[maybe_unused]] const core::Status ended = thread.join();  // it has reported
    }
  }
  CAIRN_TRY_STATUS(control_.check());
  CAIRN_TRY_STATUS(nodes_.flush());
  CAIRN_TRY_STATUS(core::check_stop(options_.stop));
  if (sources_.empty() && !control_.is_partial()) {
    return core::fail(first_failure_.value_or(
        core::Error(core::ErrorCode::not_found, "nothing of what was named could be read")));
  }
  changes_.counts.removed = removed_;
  return std::move(sources_);
}

core::Status BackupPipeline::start_threads(std::vector<core::GuardedThread>& threads) {
  const core::Threads& source = repository_.environment.threads;
  const auto on_error = [this](const core::Error& error) { fail_with(error); };
  threads.reserve(1 + workers_.size());
  CAIRN_TRY(auto assembler,
            core::GuardedThread::start(source, {.action = "putting folders together",
                                                .work = [this] { return assemble_all(); },
                                                .on_error = on_error}));
  threads.push_back(std::move(assembler));
  for (const auto& parts : workers_) {
    auto worker = core::GuardedThread::start(
        source, {.action = "reading files",
                 .work = [this, own = parts.get()] { return work_until_done(*own); },
                 .on_error = on_error});
    if (!worker && threads.size() > 1) {
      meter_.detail(fmt::format("{} of {} threads read files: {}", threads.size() - 1,
                                workers_.size(), worker.error().message()));
      break;  // the ones that started are enough
    }
    CAIRN_TRY(auto started, std::move(worker));
    threads.push_back(std::move(started));
  }
  return {};
}

void BackupPipeline::fail_with(core::Error error) {
  control_.fail_with(std::move(error));
  queue_.cancel();
}

core::Status BackupPipeline::walk_all() {
  if (options_.stream != nullptr) {
    StreamWalk walk(*options_.stream, repository_.environment.clock);
    return walk_opened(options_.stream->path, walk);
  }
  for (const std::string& path : options_.paths) {
    // The first source is always begun: a snapshot has at least one.
    if (&path != &options_.paths.front() && control_.is_out_of_time()) {
      control_.set_partial();
      return {};
    }
    CAIRN_TRY_STATUS(walk(path));
  }
  return {};
}

WalkOptions BackupPipeline::walk_options() {
  WalkOptions walk = options_.walk;
  walk.cache = options_.cache;
  walk.stamp_key = repository_.keys->split_key();
  walk.clock = &repository_.environment.clock;
  walk.threads = &repository_.environment.threads;
  walk.lookahead_threads = kLookaheadThreads;
  walk.finds_links = true;
  walk.on_removed = [this](const std::string& path) {
    removed_ += 1;
    changes_.add(Change::removed, path);
  };
  return walk;
}

/// A source that cannot be opened does not keep the others from being backed up.
core::Status BackupPipeline::walk(const std::string& path) {
  WalkOptions options = walk_options();
  options.recorded_as = path;
  const auto elsewhere = options_.read_from.find(path);
  const std::string& place = elsewhere == options_.read_from.end() ? path : elsewhere->second;
  auto walk = SourceWalk::open(place, problems_, std::move(options));
  if (walk) {
    return walk_opened(path, **walk);
  }
  const core::Error& error = walk.error();
  if (!is_fault_of_source(error.code())) {
    return core::fail(error);
  }
  problems_.add({ProblemKind::unreadable, path, reason_of_source(error, place)});
  first_failure_ = first_failure_ ? std::move(first_failure_) : std::optional(error);
  return {};
}

core::Status BackupPipeline::walk_opened(const std::string& path, SourceWalk& walk) {
  auto batch = std::make_shared<Batch>();
  BatchLoad load;
  while (true) {
    if (options_.stop.stop_requested()) {
      // What was read must not be read again: the next backup goes on from here.
      CAIRN_TRY_STATUS(push(std::move(batch)));
      CAIRN_TRY_STATUS(checkpoint());
      return core::interrupted();
    }
    CAIRN_TRY(auto step, measure(shared_.times, Stage::walk, 0, [&] { return walk.next(); }));
    if (!step) {
      break;
    }
    load.add(*step);
    batch->steps.push_back({.step = std::move(*step)});
    if (load.is_full()) {
      CAIRN_TRY_STATUS(push(std::exchange(batch, std::make_shared<Batch>())));
      load = {};
      CAIRN_TRY_STATUS(checkpoint_if_due());
      if (!control_.is_partial() && control_.is_out_of_time()) {
        control_.set_partial();
        walk.end_early();
      }
    }
  }
  batch->ends_source = true;
  batch->source = path;
  return push(std::move(batch));
}

core::Status BackupPipeline::push(std::shared_ptr<Batch> batch) {
  if (queue_.push(std::move(batch))) {
    return {};
  }
  CAIRN_TRY_STATUS(control_.check());
  return core::fail(core::ErrorCode::internal, "the backup's queue was cancelled");
}

core::Status BackupPipeline::checkpoint_if_due() {
  if (options_.cache == nullptr) {
    return {};
  }
  const std::uint64_t now_ns = repository_.environment.clock.monotonic_ns();
  const std::uint64_t stored = store_.totals().data.stored_bytes;
  if (now_ns - checkpoint_ns_ < kCheckpointNs &&
      stored - checkpoint_bytes_ < kCheckpointStoredBytes) {
    return {};
  }
  checkpoint_ns_ = now_ns;
  checkpoint_bytes_ = stored;
  return checkpoint();
}

/// Makes everything read so far durable, and the stat cache's records of it trustworthy.
core::Status BackupPipeline::checkpoint() {
  if (!queue_.drain()) {
    return control_.check();
  }
  for (const auto& worker : workers_) {
    CAIRN_TRY_STATUS(worker->blocks.flush());
  }
  CAIRN_TRY_STATUS(flush_late());
  if (assembler_) {
    CAIRN_TRY_STATUS(assembler_->record_progress());
  }
  CAIRN_TRY_STATUS(nodes_.flush());
  CAIRN_TRY_STATUS(store_.publish_all());
  return options_.cache != nullptr ? options_.cache->settle() : core::Status();
}

core::Status BackupPipeline::work_until_done(Worker& worker) {
  while (auto work = queue_.pop()) {
    if (auto* block = std::get_if<OpenBlock>(&*work)) {
      CAIRN_TRY_STATUS(worker.blocks.write_given(std::move(*block)));
      queue_.finish_block();
      continue;
    }
    const auto& batch = std::get<std::shared_ptr<Batch>>(*work);
    CAIRN_TRY_STATUS(ingest_batch(worker.ingest, *batch));
    queue_.finish_batch(batch);
  }
  CAIRN_TRY_STATUS(control_.check());
  return worker.blocks.flush();
}

core::Status BackupPipeline::ingest_batch(FileIngest& ingest, Batch& batch) {
  for (IngestedStep& step : batch.steps) {
    if (auto* const object = std::get_if<MetObject>(&step.step);
        object != nullptr && object->is_to_be_read()) {
      CAIRN_TRY_STATUS(read_file(ingest, step, *object));
    }
    if (const auto* const run = std::get_if<UnchangedRun>(&step.step)) {
      meter_.files_done(run->birth_times.size());
    } else if (WalkItem* const item = item_of(step.step)) {
      if (item->fate != Fate::link_to_first) {
        item->folder.reset();
      }
      meter_.file_done(item->path);
    }
  }
  return ingest.store_pieces();
}

core::Status BackupPipeline::read_file(FileIngest& ingest, IngestedStep& step, MetObject& object) {
  if (object.bytes) {
    // It is everything that the source has: without it there is nothing to keep.
    auto status = ingest.ingest_bytes(object.item, *object.bytes);
    return !status && options_.stop.stop_requested() ? core::interrupted() : status;
  }
  auto status = object.item.logs ? ingest.ingest_database(object.item, step.problems)
                                 : ingest.ingest(object.item, step.problems);
  if (!status) {
    const auto code = status.error().code();
    if (code == core::ErrorCode::interrupted || !store_.check() || !control_.check()) {
      return status;
    }
    step.error = std::move(status).error();
  }
  return {};
}

/// Reads a further name of a file after all, because another object was read under the first one.
core::Status BackupPipeline::read_late(IngestedStep& step) {
  if (!late_) {
    late_.emplace(shared_, nullptr);  // at the end no worker may be left to take a block over
  }
  MetObject& object = std::get<MetObject>(step.step);
  object.item.fate = object.item.recorded_index ? Fate::read_again : Fate::is_new;
  CAIRN_TRY_STATUS(read_file(late_->ingest, step, object));
  return late_->ingest.store_pieces();
}

core::Status BackupPipeline::assemble_all() {
  const AssemblyParts parts{
      .sink = nodes_, .split_key = repository_.keys->split_key(), .cache = options_.cache};
  const auto read = [this](IngestedStep& step) { return read_late(step); };
  while (auto batch = queue_.next_done()) {
    if (!assembler_) {
      assembler_ = std::make_unique<TreeAssembler>(parts, problems_, changes_, read);
    }
    for (IngestedStep& step : (*batch)->steps) {
      CAIRN_TRY_STATUS(assembler_->add(std::move(step)));
    }
    if ((*batch)->ends_source) {
      CAIRN_TRY(auto source, assembler_->finish(std::move((*batch)->source)));
      if (source) {
        sources_.push_back(*std::move(source));
      }
      assembler_.reset();
    }
  }
  return flush_late();
}

}  // namespace cairn::repo::ops
