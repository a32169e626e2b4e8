#include "ops/backup_pipeline.h"

#include <fmt/format.h>

#include <functional>
#include <thread>
#include <utility>

namespace cairn::repo::ops {

namespace {

// A batch is about one block of data, so that a worker fills whole blocks from one place of the
// tree. Its folders stay open until it is done: 24 batches of 12 folders are 288 descriptors,
// well below the usual limit of 1,024.
constexpr std::size_t kBatchesInFlight = 24;
constexpr std::uint64_t kBatchBytes = 1024 * 1024;
constexpr std::size_t kBatchSteps = 512;
constexpr std::size_t kBatchFolders = 12;

/// Runs `body` on its own thread; an exception of the standard library (out of memory) becomes an
/// error like any other.
std::thread guarded_thread(std::function<void()> body, std::function<void(core::Error)> on_error) {
  return std::thread([body = std::move(body), on_error = std::move(on_error)] {
    try {
      body();
    } catch (const std::exception& e) {
      on_error({core::ErrorCode::internal, fmt::format("backup thread: {}", e.what())});
    }
  });
}

/// Joins whatever happens in between.
class Joined {
 public:
  explicit Joined(std::vector<std::thread> threads) : threads_(std::move(threads)) {}
  ~Joined() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  Joined(const Joined&) = delete;
  Joined& operator=(const Joined&) = delete;

 private:
  std::vector<std::thread> threads_;
};

}  // namespace

BackupPipeline::BackupPipeline(State& state, const PipelineOptions& options, ChunkStore& store,
                               ProgressMeter& meter)
    : state_(state),
      options_(options),
      store_(store),
      meter_(meter),
      problems_(meter),
      gear_(state.keys->chunker_key()),
      nodes_(store, *state.keys, options.compression_level),
      queue_(kBatchesInFlight),
      shared_{.policy = state.config.chunking,
              .gear = gear_,
              .keys = *state.keys,
              .store = store,
              .nodes = nodes_,
              .on_bytes = [this](std::uint64_t bytes) { meter_.add_bytes(bytes); },
              .should_stop = [this] { return options_.stop.stop_requested() || !check(); },
              .offload = [this](OpenBlock& block) { return queue_.offer(block); }} {}

core::Result<std::vector<Source>> BackupPipeline::run() {
  {
    const auto on_error = [this](core::Error error) { fail_with(std::move(error)); };
    std::vector<std::thread> threads;
    threads.push_back(guarded_thread([this] { assemble(); }, on_error));
    for (unsigned i = 0; i < options_.workers; ++i) {
      threads.push_back(guarded_thread([this] { work(); }, on_error));
    }
    const Joined joined(std::move(threads));
    if (auto status = walk_all(); !status) {
      fail_with(std::move(status).error());
    }
    queue_.close();
  }
  CAIRN_TRY_STATUS(check());
  CAIRN_TRY_STATUS(nodes_.flush());
  return std::move(sources_);
}

core::Status BackupPipeline::check() const {
  const std::scoped_lock lock(mutex_);
  if (error_) {
    return core::fail(*error_);
  }
  return {};
}

void BackupPipeline::fail_with(core::Error error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }
  queue_.cancel();
}

core::Status BackupPipeline::walk_all() {
  for (const std::string& path : options_.paths) {
    CAIRN_TRY_STATUS(walk(path));
  }
  return {};
}

core::Status BackupPipeline::walk(const std::string& path) {
  CAIRN_TRY(const auto walk, SourceWalk::open(path, problems_));
  auto batch = std::make_shared<Batch>();
  std::uint64_t bytes = 0;
  std::size_t folders = 0;
  const SourceFolder* last_folder = nullptr;
  while (true) {
    if (options_.stop.stop_requested()) {
      return core::fail(core::ErrorCode::interrupted, "interrupted");
    }
    CAIRN_TRY(auto item, walk->next());
    if (!item) {
      break;
    }
    IngestedStep step;
    step.item = std::move(*item);
    note_hard_link(step, path.size());
    if (step.item.folder.get() != last_folder) {
      last_folder = step.item.folder.get();
      folders += 1;
    }
    bytes += step.item.entry.type == EntryType::file ? step.item.size_bytes : 0;
    batch->steps.push_back(std::move(step));
    if (bytes >= kBatchBytes || batch->steps.size() >= kBatchSteps || folders >= kBatchFolders) {
      if (!queue_.push(std::exchange(batch, std::make_shared<Batch>()))) {
        return check();
      }
      bytes = 0;
      folders = 0;
      last_folder = nullptr;
    }
  }
  first_names_.clear();
  batch->ends_source = true;
  return queue_.push(std::move(batch)) ? core::Status() : check();
}

void BackupPipeline::note_hard_link(IngestedStep& step, std::size_t source_path_bytes) {
  const WalkItem& item = step.item;
  if (item.step != WalkStep::object || item.link_count < 2 ||
      item.path.size() <= source_path_bytes) {
    return;
  }
  std::string relative = item.path.substr(source_path_bytes);
  if (relative.starts_with('/')) {
    relative.erase(0, 1);
  }
  const auto [first, is_new] = first_names_.emplace(item.inode, std::move(relative));
  if (!is_new) {
    step.hard_link_to = first->second;
  }
}

void BackupPipeline::work() {
  FileIngest ingest(shared_, options_.compression_level);
  if (auto status = work_until_done(ingest); !status) {
    fail_with(std::move(status).error());
  }
}

core::Status BackupPipeline::work_until_done(FileIngest& ingest) {
  while (auto work = queue_.pop()) {
    if (auto* block = std::get_if<OpenBlock>(&*work)) {
      CAIRN_TRY_STATUS(ingest.store(*block));
      continue;
    }
    const auto& batch = std::get<std::shared_ptr<Batch>>(*work);
    CAIRN_TRY_STATUS(ingest_batch(ingest, *batch));
    queue_.finish(batch);
  }
  CAIRN_TRY_STATUS(check());
  return ingest.flush();
}

core::Status BackupPipeline::ingest_batch(FileIngest& ingest, Batch& batch) {
  for (IngestedStep& step : batch.steps) {
    const WalkItem& item = step.item;
    if (item.step == WalkStep::object && item.entry.type == EntryType::file) {
      // A further name of a file is not read again, but its attributes are the inode's, so they
      // are read here like anybody's.
      auto status = step.hard_link_to ? ingest.read_attributes(item, step.item.entry, step.problems)
                                      : ingest.ingest(item, step.item.entry, step.problems);
      if (!status) {
        const auto code = status.error().code();
        if (code == core::ErrorCode::interrupted || !store_.check() || !check()) {
          return status;
        }
        step.error = std::move(status).error();
      }
    }
    step.item.folder.reset();
    if (item.step != WalkStep::leave_folder) {
      meter_.file_done(item.path);
    }
  }
  return {};
}

void BackupPipeline::assemble() {
  if (auto status = assemble_all(); !status) {
    fail_with(std::move(status).error());
  }
}

core::Status BackupPipeline::assemble_all() {
  const auto make_assembler = [this] {
    return std::make_unique<TreeAssembler>(nodes_, state_.keys->split_key(), problems_);
  };
  auto assembler = make_assembler();
  while (auto batch = queue_.next_done()) {
    for (IngestedStep& step : (*batch)->steps) {
      CAIRN_TRY_STATUS(assembler->add(std::move(step)));
    }
    if ((*batch)->ends_source) {
      CAIRN_TRY(Source source, assembler->finish(options_.paths[sources_.size()]));
      sources_.push_back(std::move(source));
      assembler = make_assembler();
    }
  }
  return {};
}

}  // namespace cairn::repo::ops
