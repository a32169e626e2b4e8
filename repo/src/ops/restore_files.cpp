#include "ops/restore_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "ops/tree_reader.h"

namespace cairn::repo::ops {

namespace {

// Tasks between planner and workers: one window's worth of blocks at 16 KiB a chunk is a thousand;
// the rest of a window waits with the planner.
constexpr std::size_t kQueuedTasks = 256;
constexpr std::size_t kPackSummariesMax = 256;

/// Ends the whole restore, unlike what is wrong with one file.
bool is_fatal(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::no_space || code == core::ErrorCode::interrupted ||
         code == core::ErrorCode::not_permitted || code == core::ErrorCode::internal;
}

}  // namespace

RestoredFile::RestoredFile(RestoreTarget& to, std::shared_ptr<TargetFolder> in, Entry what)
    : target(to), folder(std::move(in)), entry(std::move(what)) {}

RestoredFile::~RestoredFile() {
  if (!is_finished && !temporary_name.empty()) {
    target.discard_file(*folder, temporary_name);
  }
}

RestoreFiles::RestoreFiles(State& state, RestoreTarget& target, const RestoreFilesOptions& options,
                           ProblemList& problems, ProgressMeter& meter)
    : state_(state),
      target_(target),
      options_(options),
      problems_(problems),
      meter_(meter),
      queue_(kQueuedTasks) {
  for (unsigned i = 0; i < options.workers; ++i) {
    threads_.emplace_back([this] { run(); });
  }
}

RestoreFiles::~RestoreFiles() {
  queue_.cancel();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

core::Status RestoreFiles::check() const {
  if (options_.stop.stop_requested()) {
    return core::fail(core::ErrorCode::interrupted, "interrupted");
  }
  const std::scoped_lock lock(mutex_);
  if (error_) {
    return core::fail(*error_);
  }
  return {};
}

void RestoreFiles::end_with(core::Error error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }
  queue_.cancel();
}

core::Status RestoreFiles::add(std::shared_ptr<TargetFolder> folder, Entry entry) {
  CAIRN_TRY_STATUS(check());
  auto file = std::make_shared<RestoredFile>(target_, std::move(folder), std::move(entry));
  const auto status =
      for_each_item(state_, file->entry.content,
                    [&](std::uint64_t offset, const ContentItem& item) -> core::Status {
                      if (!item.chunk) {
                        file->has_holes = true;
                        return {};
                      }
                      file->outstanding += 1;
                      window_.push_back({file, *item.chunk, offset, 0,
                                         static_cast<std::uint32_t>(item.length_bytes)});
                      return window_.size() >= kWindowSlices ? plan_window() : core::Status();
                    });
  if (!status) {
    CAIRN_TRY_STATUS(check());
    const std::scoped_lock lock(file->mutex);
    file->failure = status.error().message();
  }
  return finish_one(file);
}

core::Status RestoreFiles::plan_window() {
  CAIRN_TRY(auto tasks, tasks_of(std::exchange(window_, {})));
  for (BlockTask& task : tasks) {
    if (!queue_.push(std::move(task))) {
      return check();
    }
  }
  return {};
}

core::Result<std::shared_ptr<const store::PackSummary>> RestoreFiles::pack_summary(
    store::PackNumber number) {
  if (const auto found = packs_.find(number); found != packs_.end()) {
    return found->second;
  }
  CAIRN_TRY(store::PackSummary summary, state_.catalogue->pack(number));
  if (packs_.size() >= kPackSummariesMax) {
    packs_.clear();
  }
  auto shared = std::make_shared<const store::PackSummary>(std::move(summary));
  packs_.emplace(number, shared);
  return shared;
}

core::Result<std::vector<RestoreFiles::BlockTask>> RestoreFiles::tasks_of(
    std::vector<Slice> slices) {
  std::vector<ChunkId> ids;
  ids.reserve(slices.size());
  for (const Slice& slice : slices) {
    ids.push_back(slice.chunk);
  }
  CAIRN_TRY(const auto locations, state_.catalogue->find_all(ids));

  struct Place {
    store::PackNumber pack{};
    std::uint32_t block = 0;
    std::uint32_t offset = 0;
    std::size_t slice = 0;
  };
  std::vector<Place> places;
  places.reserve(slices.size());
  std::vector<Slice> unknown;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const auto& location = locations[i];
    if (!location || location->length_bytes != slices[i].length_bytes) {
      unknown.push_back(std::move(slices[i]));
      continue;
    }
    slices[i].block_offset = location->offset_bytes;
    places.push_back({location->pack, location->block, location->offset_bytes, i});
  }
  if (!unknown.empty()) {
    set_aside(std::move(unknown),
              {core::ErrorCode::not_found, "no pack of the repository holds a chunk of it"});
  }
  std::ranges::sort(places, {}, [](const Place& place) {
    return std::make_tuple(place.pack, place.block, place.offset, place.slice);
  });
  std::vector<BlockTask> tasks;
  for (const Place& place : places) {
    if (tasks.empty() || tasks.back().pack->number != place.pack ||
        tasks.back().block != place.block) {
      CAIRN_TRY(auto pack, pack_summary(place.pack));
      tasks.push_back({std::move(pack), place.block, {}});
    }
    tasks.back().slices.push_back(std::move(slices[place.slice]));
  }
  return tasks;
}

void RestoreFiles::run() {
  Scratch scratch;
  try {
    while (auto task = queue_.pop()) {
      auto status = check();
      if (status) {
        status = run_task(std::move(*task), scratch);
      }
      if (!status) {
        end_with(std::move(status).error());
        return;
      }
    }
  } catch (const std::exception& e) {
    end_with({core::ErrorCode::internal, fmt::format("restore thread: {}", e.what())});
  }
}

core::Status RestoreFiles::run_task(BlockTask task, Scratch& scratch) {
  auto status = state_.blocks->read(*task.pack, task.block, scratch.reader, scratch.plain);
  if (!status) {
    if (is_fatal(status.error().code())) {
      return status;
    }
    set_aside(std::move(task.slices), status.error());
    return {};
  }
  return write_slices(task, scratch.plain);
}

core::Status RestoreFiles::write_slices(const BlockTask& task, core::ByteView plain) {
  const ChunkId* verified = nullptr;  // neighbours are often the same chunk: hash it once
  for (const Slice& slice : task.slices) {
    const bool fits = std::uint64_t{slice.block_offset} + slice.length_bytes <= plain.size();
    const auto data =
        fits ? plain.subspan(slice.block_offset, slice.length_bytes) : core::ByteView();
    if (!fits || ((verified == nullptr || *verified != slice.chunk) &&
                  state_.keys->data_chunk_id(data) != slice.chunk)) {
      set_aside({slice},
                {core::ErrorCode::corrupt,
                 fmt::format("a chunk in packs/{} is not what it should be", task.pack->id.hex())});
      continue;
    }
    verified = &slice.chunk;
    if (auto status = write_slice(slice, data); !status) {
      if (is_fatal(status.error().code())) {
        return status;
      }
      fail_slice(slice, status.error().message());
    }
    meter_.add_bytes(slice.length_bytes);
    CAIRN_TRY_STATUS(finish_one(slice.file));
  }
  return {};
}

core::Status RestoreFiles::write_slice(const Slice& slice, core::ByteView data) {
  RestoredFile& file = *slice.file;
  std::shared_ptr<Descriptor> descriptor;
  {
    const std::scoped_lock lock(file.mutex);
    if (file.failure) {
      return {};
    }
    if (file.temporary_name.empty()) {
      CAIRN_TRY(auto created, target_.create_file(*file.folder));
      file.temporary_name = std::move(created.name);
      file.descriptor = std::move(created.descriptor);
      open_files_ += 1;
    } else if (file.descriptor == nullptr) {
      CAIRN_TRY(file.descriptor, target_.reopen_file(*file.folder, file.temporary_name));
      open_files_ += 1;
    }
    descriptor = file.descriptor;
    if (open_files_ > kOpenFilesMax && file.outstanding > 1) {
      file.descriptor.reset();  // closed after this write, opened again for the next
      open_files_ -= 1;
    }
  }
  return target_.write_at(*descriptor, slice.file_offset, data);
}

void RestoreFiles::set_aside(std::vector<Slice> slices, const core::Error& error) {
  if (!is_retry_) {
    const std::scoped_lock lock(mutex_);
    if (set_aside_.size() + slices.size() <= kSetAsideMax) {
      std::ranges::move(slices, std::back_inserter(set_aside_));
      set_aside_reason_ = error.message();
      return;
    }
  }
  for (const Slice& slice : slices) {
    fail_slice(slice, error.message());
    [[maybe_unused]] const auto status = finish_one(slice.file);  // failed files do not fail again
  }
}

void RestoreFiles::fail_slice(const Slice& slice, const std::string& reason) {
  const std::scoped_lock lock(slice.file->mutex);
  if (!slice.file->failure) {
    slice.file->failure = reason;
  }
}

core::Status RestoreFiles::finish_one(const std::shared_ptr<RestoredFile>& file) {
  if (file->outstanding.fetch_sub(1) != 1) {
    return {};
  }
  auto status = complete(*file);
  const std::string path = join_path(file->folder->path, file->entry.name);
  if (!status) {
    if (is_fatal(status.error().code())) {
      return status;
    }
    files_failed_ += 1;
    problems_.add({ProblemKind::unreadable, path, status.error().message()});
  }
  meter_.file_done(path);
  target_.release(file->folder);
  return {};
}

core::Status RestoreFiles::complete(RestoredFile& file) {
  const std::scoped_lock lock(file.mutex);
  if (file.failure) {
    file.descriptor.reset();
    return core::fail(core::ErrorCode::corrupt, *file.failure);
  }
  RestoreTarget::TemporaryFile temporary{file.descriptor, file.temporary_name};
  if (file.temporary_name.empty()) {
    CAIRN_TRY(temporary, target_.create_file(*file.folder));
    file.temporary_name = temporary.name;
  } else if (file.descriptor == nullptr) {
    CAIRN_TRY(temporary.descriptor, target_.reopen_file(*file.folder, file.temporary_name));
  } else {
    open_files_ -= 1;
  }
  file.descriptor.reset();
  if (file.has_holes) {
    CAIRN_TRY_STATUS(target_.resize(*temporary.descriptor, file.entry.content.size_bytes));
  }
  CAIRN_TRY_STATUS(target_.finish_file(*file.folder, temporary, file.entry));
  file.is_finished = true;
  return {};
}

core::Status RestoreFiles::retry(Observer& observer) {
  observer.detail(
      fmt::format("{} pieces could not be read ({}): looking again with a new catalogue",
                  set_aside_.size(), set_aside_reason_));
  packs_.clear();
  CAIRN_TRY_STATUS(rebuild_catalogue(state_, observer));
  is_retry_ = true;
  CAIRN_TRY(auto tasks, tasks_of(std::exchange(set_aside_, {})));
  Scratch scratch;
  for (BlockTask& task : tasks) {
    CAIRN_TRY_STATUS(check());
    CAIRN_TRY_STATUS(run_task(std::move(task), scratch));
  }
  return {};
}

core::Status RestoreFiles::finish(Observer& observer) {
  auto planned = check();
  if (planned) {
    planned = plan_window();
  }
  if (!planned) {
    end_with(planned.error());
  }
  queue_.close();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  window_.clear();
  auto status = check();
  if (status && !set_aside_.empty()) {
    status = retry(observer);
  }
  set_aside_.clear();
  return status;
}

}  // namespace cairn::repo::ops
