#include "ops/backup/work_queue.h"

#include <utility>

namespace cairn::repo::ops {

bool WorkQueue::push(std::shared_ptr<Batch> batch) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return cancelled_ || in_order_.size() < batches_max_; });
  if (cancelled_) {
    return false;
  }
  in_order_.push_back(batch);
  waiting_.push_back(std::move(batch));
  lock.unlock();
  work_.notify_one();
  return true;
}

bool WorkQueue::is_drained() const {
  return in_order_.empty() && blocks_.empty() && writing_ == 0 && !assembling_;
}

bool WorkQueue::drain() {
  std::unique_lock lock(mutex_);
  drained_.wait(lock, [this] { return cancelled_ || is_drained(); });
  return !cancelled_;
}

void WorkQueue::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  work_.notify_all();
  done_.notify_all();
}

std::optional<WorkQueue::Work> WorkQueue::pop() {
  std::unique_lock lock(mutex_);
  idle_ += 1;
  work_.wait(lock, [this] {
    return cancelled_ || !blocks_.empty() || !waiting_.empty() || (closed_ && ingesting_ == 0);
  });
  idle_ -= 1;
  if (cancelled_) {
    return std::nullopt;
  }
  if (!blocks_.empty()) {
    Work work(std::move(blocks_.front()));
    blocks_.pop_front();
    writing_ += 1;
    return work;
  }
  if (waiting_.empty()) {
    return std::nullopt;
  }
  Work work(std::move(waiting_.front()));
  waiting_.pop_front();
  ingesting_ += 1;
  return work;
}

void WorkQueue::finish_batch(const std::shared_ptr<Batch>& batch) {
  bool is_last = false;
  {
    const std::scoped_lock lock(mutex_);
    batch->done = true;
    ingesting_ -= 1;
    is_last = closed_ && ingesting_ == 0;
  }
  done_.notify_all();
  if (is_last) {
    work_.notify_all();
  }
}

bool WorkQueue::take_over(OpenBlock& block) {
  const std::scoped_lock lock(mutex_);
  if (cancelled_ || !waiting_.empty() || blocks_.size() >= idle_) {
    return false;
  }
  blocks_.push_back(std::move(block));
  work_.notify_one();
  return true;
}

void WorkQueue::finish_block() {
  const std::scoped_lock lock(mutex_);
  writing_ -= 1;
  if (is_drained()) {
    drained_.notify_all();
  }
}

std::optional<std::shared_ptr<Batch>> WorkQueue::next_done() {
  std::unique_lock lock(mutex_);
  assembling_ = false;
  if (is_drained()) {
    drained_.notify_all();
  }
  done_.wait(lock, [this] {
    return cancelled_ || (in_order_.empty() ? closed_ : in_order_.front()->done);
  });
  if (cancelled_ || in_order_.empty()) {
    return std::nullopt;
  }
  std::shared_ptr<Batch> batch = std::move(in_order_.front());
  in_order_.pop_front();
  assembling_ = true;
  lock.unlock();
  room_.notify_one();
  return batch;
}

void WorkQueue::cancel() {
  {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    waiting_.clear();
    blocks_.clear();
  }
  drained_.notify_all();
  room_.notify_all();
  work_.notify_all();
  done_.notify_all();
}

}  // namespace cairn::repo::ops
