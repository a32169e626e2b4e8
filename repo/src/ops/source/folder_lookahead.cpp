#include "ops/source/folder_lookahead.h"

#include <algorithm>
#include <gsl/assert>
#include <utility>

namespace cairn::repo::ops {

FolderLookahead::FolderLookahead(const WalkOptions& options)
    : choice_(options.choice),
      clock_(options.clock),
      thread_source_(options.threads),
      threads_wanted_(options.lookahead_threads),
      always_(options.lookahead_at_once),
      may_start_(threads_wanted_ > 0) {
  Expects(threads_wanted_ == 0 || (clock_ != nullptr && thread_source_ != nullptr));
  if (may_start_ && always_) {
    start();
  }
}

FolderLookahead::~FolderLookahead() { end(); }

void FolderLookahead::measure(const WatchedCall& call, std::size_t names) {
  meter_.note(call.waited_ns(), names);
  if (meter_.waits() >= kWaitsToStart) {
    start();
  }
  if (meter_.calls() >= kWalkWindow) {
    meter_.restart();
  }
}

void FolderLookahead::start() {
  meter_.restart();
  threads_.reserve(threads_wanted_);
  while (threads_.size() < threads_wanted_) {
    // A thread that runs out of memory stops helping, and the walk does without it.
    auto thread = core::GuardedThread::start(
        *thread_source_, {.action = "looking ahead", .work = [this] { return work(); }});
    if (!thread) {
      break;
    }
    threads_.push_back(*std::move(thread));
  }
  // No more threads can be started: those that run, or none, have to do.
  may_start_ = !threads_.empty();
  const std::scoped_lock lock(mutex_);
  running_ = may_start_;
}

bool FolderLookahead::end() {
  may_start_ = false;
  if (threads_.empty()) {
    return false;
  }
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    running_ = false;
    levels_.clear();
  }
  work_.notify_all();
  threads_.clear();
  return true;
}

bool FolderLookahead::go_to(const Place& place) {
  const std::scoped_lock lock(mutex_);
  if (!running_) {
    return false;
  }
  while (!levels_.empty() &&
         (levels_.back().depth > place.depth ||
          (levels_.back().depth == place.depth && levels_.back().id != place.id))) {
    levels_.pop_back();
  }
  if (levels_.empty() || levels_.back().depth != place.depth) {
    if (recent_.find(place.id) == RecentFolders::Extent::everything) {
      return false;
    }
    if (levels_.size() == kLevelsMax) {
      levels_.erase(levels_.begin());
    }
    const bool asks_filter = choice_ != nullptr && !choice_->filter.empty();
    levels_.push_back({.serial = next_serial_++,
                       .depth = place.depth,
                       .id = place.id,
                       .path = asks_filter ? place.path : std::string()});
  }
  levels_.back().folder = place.folder;
  levels_.back().position = place.position;
  return true;
}

void FolderLookahead::offer(std::size_t first, std::vector<std::string> names) {
  {
    const std::scoped_lock lock(mutex_);
    if (!running_ || levels_.empty()) {
      return;
    }
    levels_.back().names.push_back({first, std::move(names)});
  }
  work_.notify_one();
}

void FolderLookahead::pass(std::size_t depth, std::size_t position) {
  if (!is_running()) {
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    while (!levels_.empty() && levels_.back().depth > depth) {
      levels_.pop_back();
    }
    if (levels_.empty() || levels_.back().depth != depth) {
      return;
    }
    levels_.back().position = position;
    if (levels_.back().subfolders.empty()) {
      return;
    }
  }
  work_.notify_one();
}

/// The most urgent task.
std::optional<FolderLookahead::Task> FolderLookahead::next_task() {
  const std::size_t count = std::min(levels_.size(), kLevelsLookedAt);
  for (std::size_t i = 1; i <= count; ++i) {
    if (auto task = next_task_in(levels_[levels_.size() - i])) {
      return task;
    }
  }
  return std::nullopt;
}

std::optional<FolderLookahead::Task> FolderLookahead::next_task_in(Level& level) {
  while (!level.names.empty() &&
         level.names.front().first + level.names.front().names.size() <= level.position) {
    level.names.pop_front();
  }
  level.subfolders.erase(level.subfolders.begin(), level.subfolders.lower_bound(level.position));
  level.taken.erase(level.taken.begin(), level.taken.lower_bound(level.position));
  const bool may_look_into = !level.subfolders.empty() && level.taken.size() < kSubfoldersAhead;
  const bool has_names = !level.names.empty();
  if (!may_look_into && !has_names) {
    return std::nullopt;
  }
  Task task{.serial = level.serial,
            .folder = level.folder,
            .place = {.descriptor = level.folder->descriptor(),
                      .device = level.id.device,
                      .path = level.path},
            .names = {},
            .subfolder = std::nullopt};
  const auto first = level.subfolders.begin();
  if (may_look_into && (!has_names || first->first < level.names.front().first)) {
    level.taken.insert(first->first);
    task.subfolder = std::move(first->second);
    level.subfolders.erase(first);
  } else {
    task.names = std::move(level.names.front());
    level.names.pop_front();
  }
  return task;
}

core::Status FolderLookahead::work() {
  FolderScout scout(
      {.choice = choice_, .clock = *clock_, .stopping = stopping_, .recent = recent_});
  while (true) {
    std::optional<Task> task;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return stopping_ || (task = next_task()).has_value(); });
      if (stopping_) {
        return {};
      }
    }
    perform(*task, scout);
  }
}

void FolderLookahead::perform(Task& task, FolderScout& scout) {
  std::vector<std::pair<std::size_t, FolderScout::Subfolder>> found;
  if (task.subfolder) {
    scout.look_into(task.place, *task.subfolder);
  } else {
    found = scout.look_at(task.place, task.names.names);
  }
  task.folder.reset();
  bool has_work = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto level = std::find_if(levels_.begin(), levels_.end(), [&](const Level& candidate) {
      return candidate.serial == task.serial;
    });
    for (auto& [number, subfolder] : found) {
      if (level != levels_.end() && !recent_.find(subfolder.id)) {
        level->subfolders.emplace(task.names.first + number, std::move(subfolder));
        has_work = true;
      }
    }
    count(scout.meter());
  }
  if (has_work) {
    work_.notify_all();
  }
}

/// Pauses if there was too little waiting. The walk then starts measuring again.
void FolderLookahead::count(WaitMeter& meter) {
  calls_ += meter.calls();
  waits_ += meter.waits();
  meter.restart();
  if (calls_ < kScoutsWindow) {
    return;
  }
  if (waits_ < kWaitsToGoOn && !always_) {
    running_ = false;
    levels_.clear();
  }
  calls_ = 0;
  waits_ = 0;
}

}  // namespace cairn::repo::ops
