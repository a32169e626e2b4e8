#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace cairn::core {

/// A queue of owned values between threads, with a capacity that bounds memory and slows down the
/// faster side. Any number of producers and consumers. Values may have a weight: the capacity
/// bounds the sum, but an empty queue takes anything.
///
/// close() ends it: pushes are refused, pops drain what is left and then return nullopt. cancel()
/// ends it at once and drops what is left (after an error elsewhere).
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// Waits for room. False if the queue was closed: `value` is dropped.
  [[nodiscard]] bool push(T value, std::size_t weight = 1) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this, weight] { return closed_ || has_room_for(weight); });
    if (closed_) {
      return false;
    }
    add(std::move(value), weight);
    lock.unlock();
    ready_.notify_one();
    return true;
  }

  /// Like push(), but does not wait. False: `value` is untouched, and the queue is full or closed.
  [[nodiscard]] bool try_push(T& value, std::size_t weight = 1) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_ || !has_room_for(weight)) {
        return false;
      }
      add(std::move(value), weight);
    }
    ready_.notify_one();
    return true;
  }

  /// Waits for a value; nullopt once the queue is closed and empty.
  [[nodiscard]] std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) {
      return std::nullopt;
    }
    std::optional<T> value(std::move(items_.front().value));
    weight_ -= items_.front().weight;
    items_.pop_front();
    lock.unlock();
    // A light value may fit where the one that has waited longest does not.
    room_.notify_all();
    return value;
  }

  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
    ready_.notify_all();
  }

  void cancel() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
      items_.clear();
      weight_ = 0;
    }
    room_.notify_all();
    ready_.notify_all();
  }

 private:
  [[nodiscard]] bool has_room_for(std::size_t weight) const {
    return items_.empty() || weight_ + weight <= capacity_;
  }
  void add(T value, std::size_t weight) {
    items_.push_back({std::move(value), weight});
    weight_ += weight;
  }

  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  struct Item {
    T value;
    std::size_t weight;
  };
  std::deque<Item> items_;
  std::size_t weight_ = 0;  ///< of all items together
  std::size_t capacity_;
  bool closed_ = false;
};

}  // namespace cairn::core
