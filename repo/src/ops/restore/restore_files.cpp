#include "ops/restore/restore_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cairn/core/stop.h"
#include "ops/progress/ends_everything.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

// Slices between planner and workers: enough for all workers while the next window is planned. Each
// of them may hold a file, of about 1 KiB.
constexpr std::size_t kQueuedSlices = 8 * 1024;
// One share of a comparison: large enough to be worth passing on, small enough for all to have
// some.
constexpr std::uint64_t kCompareBytes = std::uint64_t{4} * 1024 * 1024;
constexpr std::size_t kCompareSlices = 1024;

/// True if both are neighbours in the file as well as in the block.
bool continues(const Slice& slice, const Slice& next) noexcept {
  return slice.file == next.file && slice.file_offset + slice.length_bytes == next.file_offset &&
         slice.block_offset + slice.length_bytes == next.block_offset;
}

}  // namespace

RestoreFiles::RestoreFiles(CatalogueView view, RestoreTarget& target,
                           const RestoreFilesOptions& options, ProgressMeter& meter)
    : view_(view),
      target_(target),
      options_(options),
      meter_(meter),
      planner_(view.catalogue(), view.present_packs()),
      queue_(kQueuedSlices) {
  start_threads();
}

void RestoreFiles::start_threads() {
  auto started = core::guarded("starting threads", [this]() -> core::Status {
    threads_.reserve(options_.workers);
    while (threads_.size() < options_.workers) {
      CAIRN_TRY(auto thread,
                core::GuardedThread::start(
                    view_.repository.environment.threads,
                    {.action = "restoring files",
                     .work = [this] { return run(); },
                     .on_error = [this](const core::Error& error) { end_with(error); }}));
      threads_.push_back(std::move(thread));
    }
    return {};
  });
  if (!started && threads_.empty()) {  // otherwise those that run are enough
    end_with(std::move(started).error());
  }
}

RestoreFiles::~RestoreFiles() {
  queue_.cancel();
  threads_.clear();
}

core::Status RestoreFiles::check() const {
  if (options_.stop.stop_requested()) {
    return core::interrupted();
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
  compared_.notify_all();
  queue_.cancel();
}

core::Status RestoreFiles::add(std::shared_ptr<TargetFolder> folder, Entry entry,
                               std::vector<std::string> stale_sides) {
  CAIRN_TRY_STATUS(check());
  auto plan = plan_file(target_, *folder, entry);
  if (!plan || !*plan) {
    const std::string path = join_path(folder->path, entry.name);
    if (!plan) {
      target_.log().failed(1, path, plan.error().message());
    } else {
      target_.log().done(RestoreAction::kept, path);
    }
    meter_.file_done(path);
    target_.release(std::move(folder));
    return {};
  }
  auto file = std::make_shared<RestoredFile>(target_, std::move(folder), std::move(entry), **plan,
                                             std::move(stale_sides), open_files_);
  if ((*plan)->verdict != Verdict::metadata_only || (*plan)->is_compared()) {
    CAIRN_TRY_STATUS(add_slices(file));
  }
  return pieces_done(file, 1);
}

core::Status RestoreFiles::add_slices(const std::shared_ptr<RestoredFile>& file) {
  const bool is_compared = file->planned().plan.is_compared();
  core::Status handed_over;
  const auto add_item = [&](std::uint64_t offset, const ContentItem& item) -> core::Status {
    if (!item.chunk && !is_compared) {
      return {};  // nothing is written there
    }
    file->outstanding += 1;
    window_slices_ += 1;
    (is_compared ? to_compare_ : window_).push_back({file, item.chunk, offset, item.length_bytes});
    if (is_compared) {
      to_compare_bytes_ += item.chunk ? item.length_bytes : 0;
      handed_over = hand_over_comparison(false);
    }
    if (handed_over && window_slices_ >= kWindowSlices) {
      handed_over = plan_window();
    }
    return handed_over;
  };
  auto listed = for_each_item(view_, file->planned().entry.content, add_item);
  window_files_ += 1;
  CAIRN_TRY_STATUS(std::move(handed_over));  // may concern slices of other files
  if (!listed) {
    CAIRN_TRY_STATUS(check());
    file->fail(listed.error().message());
  }
  return window_files_ >= kWindowFiles ? plan_window() : core::Status();
}

core::Status RestoreFiles::hand_over_comparison(bool all) {
  const std::size_t count = to_compare_.size();
  if (count == 0 || (!all && to_compare_bytes_ < kCompareBytes && count < kCompareSlices)) {
    return {};
  }
  {
    const std::scoped_lock lock(mutex_);
    comparing_ += 1;
  }
  to_compare_bytes_ = 0;
  return queue_.push(CompareTask{std::exchange(to_compare_, {})}, count) ? core::Status() : check();
}

core::Status RestoreFiles::await_comparison() {
  CAIRN_TRY_STATUS(hand_over_comparison(true));
  {
    std::unique_lock lock(mutex_);
    compared_.wait(lock, [this] { return comparing_ == 0 || error_; });
  }
  return check();
}

core::Status RestoreFiles::plan_window(bool is_last) {
  std::vector<Slice> slices = std::exchange(window_, {});
  window_files_ = 0;
  window_slices_ = 0;
  {
    const std::scoped_lock lock(mutex_);
    std::ranges::move(std::exchange(differs_, {}), std::back_inserter(slices));
  }
  if (target_.options().dry_run) {
    for (const Slice& slice : slices) {
      target_.log().add_written(slice.length_bytes);
      meter_.add_bytes(slice.length_bytes);
      CAIRN_TRY_STATUS(pieces_done(slice.file, 1));
    }
    return {};
  }
  CAIRN_TRY(auto tasks, planner_.plan(std::move(slices), is_last));
  for (BlockTask& task : tasks) {
    const std::size_t count = task.slices.size();
    if (!queue_.push(std::move(task), count)) {
      return check();
    }
  }
  return {};
}

core::Status RestoreFiles::run() {
  Scratch scratch;
  while (auto task = queue_.pop()) {
    CAIRN_TRY_STATUS(check());
    if (auto* const comparison = std::get_if<CompareTask>(&*task)) {
      CAIRN_TRY_STATUS(compare(std::move(*comparison), scratch));
    } else {
      CAIRN_TRY_STATUS(fetch(std::get<BlockTask>(*std::move(task)), scratch));
    }
  }
  return {};
}

core::Status RestoreFiles::compare(CompareTask task, Scratch& scratch) {
  std::vector<Slice> wanted;
  std::optional<FileComparison> comparison;
  const RestoredFile* compared = nullptr;
  for (Slice& slice : task.slices) {
    if (slice.file.get() != compared) {
      CAIRN_TRY_STATUS(check());
      compared = slice.file.get();
      comparison.reset();
      if (auto opened = FileComparison::open(*slice.file)) {
        comparison.emplace(std::move(*opened));
      } else {
        slice.file->fail(opened.error().message());
      }
    }
    if (comparison) {
      CAIRN_TRY_STATUS(compare_slice(*comparison, slice, scratch, wanted));
    } else {
      CAIRN_TRY_STATUS(pieces_done(slice.file, 1));
    }
  }
  {
    const std::scoped_lock lock(mutex_);
    std::ranges::move(wanted, std::back_inserter(differs_));
    comparing_ -= 1;
  }
  compared_.notify_one();
  return {};
}

core::Status RestoreFiles::compare_slice(FileComparison& comparison, const Slice& slice,
                                         Scratch& scratch, std::vector<Slice>& wanted) {
  auto is_there = comparison.compare(slice, *view_.repository.keys, target_.options().dry_run,
                                     scratch.standing);
  if (!is_there) {
    return pieces_done(slice.file, 1, core::fail(std::move(is_there).error()));
  }
  if (!*is_there) {
    wanted.push_back(slice);
    return {};
  }
  if (slice.chunk) {
    meter_.add_bytes(slice.length_bytes);
    target_.log().add_kept(slice.length_bytes);
  }
  return pieces_done(slice.file, 1);
}

core::Status RestoreFiles::fetch(BlockTask task, Scratch& scratch) {
  if (task.pack == nullptr) {
    set_aside(std::move(task.slices),
              {core::ErrorCode::not_found, "no pack of the repository holds a chunk of it"});
    return {};
  }
  const auto wanted = std::make_pair(task.pack->id, task.block);
  if (scratch.holds != wanted) {
    scratch.holds.reset();
    auto status =
        view_.repository.blocks->read(*task.pack, task.block, scratch.reader, scratch.plain);
    if (!status) {
      if (ends_everything(status.error().code())) {
        return status;
      }
      set_aside(std::move(task.slices), status.error());
      return {};
    }
    scratch.holds = wanted;
  }
  return write_slices(task, scratch.plain);
}

std::vector<core::ByteView> RestoreFiles::intact_pieces(const BlockTask& task,
                                                        core::ByteView plain) const {
  std::vector<core::ByteView> pieces(task.slices.size());
  std::vector<core::ByteView> distinct;
  std::vector<std::size_t> place;  // in `distinct`, for each slice in the block
  const Slice* last = nullptr;     // neighbours are often the same chunk: hash it once
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Slice& slice = task.slices[i];
    if (slice.block_offset + slice.length_bytes > plain.size()) {
      continue;
    }
    pieces[i] = plain.subspan(slice.block_offset, slice.length_bytes);
    if (last == nullptr || last->block_offset != slice.block_offset ||
        last->length_bytes != slice.length_bytes) {
      distinct.push_back(pieces[i]);
      last = &slice;
    }
    place.push_back(distinct.size() - 1);
  }
  const auto ids = view_.repository.keys->chunk_ids(format::BlockKind::data, distinct);
  auto id = place.begin();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!pieces[i].empty() && ids[*id++] != *task.slices[i].chunk) {
      pieces[i] = {};
    }
  }
  return pieces;
}

core::Status RestoreFiles::write_slices(const BlockTask& task, core::ByteView plain) {
  const auto pieces = intact_pieces(task, plain);
  std::size_t next = 0;
  for (std::size_t i = 0; i < pieces.size(); i = next) {
    const Slice& slice = task.slices[i];
    next = i + 1;
    core::ByteView data = pieces[i];
    if (data.empty()) {
      set_aside({slice},
                {core::ErrorCode::corrupt,
                 fmt::format("a chunk in packs/{} is not what it should be", task.pack->id.hex())});
      continue;
    }
    // Chunks of a file are usually in order: one write for all of them.
    for (; next < pieces.size() && continues(task.slices[next - 1], task.slices[next]) &&
           !pieces[next].empty();
         ++next) {
      data = core::ByteView(data.data(), data.size() + pieces[next].size());
    }
    auto written = slice.file->write(slice.file_offset, data);
    meter_.add_bytes(data.size());
    CAIRN_TRY_STATUS(pieces_done(slice.file, next - i, std::move(written)));
  }
  return {};
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
    slice.file->fail(error.message());
    [[maybe_unused]] const auto status =
        pieces_done(slice.file, 1);  // failed files do not fail again
  }
}

core::Status RestoreFiles::pieces_done(const std::shared_ptr<RestoredFile>& file,
                                       std::uint64_t pieces, core::Status status) {
  if (!status) {
    if (ends_everything(status.error().code())) {
      return core::fail(std::move(status).error().with_context(file->path()));
    }
    file->fail(status.error().message());
  }
  if (file->outstanding.fetch_sub(pieces) != pieces) {
    return {};
  }
  status = file->complete();
  const std::string path = file->path();
  if (!status) {
    if (ends_everything(status.error().code())) {
      return core::fail(std::move(status).error().with_context(path));
    }
    target_.log().failed(1, path, status.error().message());
  }
  meter_.file_done(path);
  target_.release(file->planned().folder);
  return {};
}

core::Status RestoreFiles::retry(OpenRepository& repository, Observer& observer) {
  observer.detail(
      fmt::format("{} pieces could not be read ({}): looking again with a new catalogue",
                  set_aside_.size(), set_aside_reason_));
  CAIRN_TRY_STATUS(rebuild_catalogue(repository, observer));
  planner_.restart(view_.catalogue());
  is_retry_ = true;
  CAIRN_TRY(auto tasks, planner_.plan(std::exchange(set_aside_, {})));
  Scratch scratch;
  for (BlockTask& task : tasks) {
    CAIRN_TRY_STATUS(check());
    CAIRN_TRY_STATUS(fetch(std::move(task), scratch));
  }
  return {};
}

core::Status RestoreFiles::finish(OpenRepository& repository, Observer& observer) {
  auto planned = await_comparison();
  if (planned) {
    planned = plan_window(true);
  }
  if (!planned) {
    end_with(planned.error());
  }
  queue_.close();
  threads_.clear();
  window_.clear();
  to_compare_.clear();
  differs_.clear();
  auto status = check();
  if (status && !set_aside_.empty()) {
    status = retry(repository, observer);
  }
  set_aside_.clear();
  return status;
}

}  // namespace cairn::repo::ops
