#include "scheduler.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace cairn::test {

std::size_t Scheduler::add(std::function<void()> work) {
  actors_.emplace_back().work = std::move(work);
  return actors_.size() - 1;
}

void Scheduler::choose_next() {
  turns_ += 1;
  std::vector<std::size_t> awake;
  std::vector<std::size_t> alive;
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    if (!actors_[i].is_done) {
      alive.push_back(i);
      if (actors_[i].asleep_until <= turns_) {
        awake.push_back(i);
      }
    }
  }
  const auto& candidates = awake.empty() ? alive : awake;
  if (!candidates.empty()) {
    current_ = candidates[below(candidates.size())];
    actors_[current_].may_run.notify_all();
  }
}

void Scheduler::wait_for(std::unique_lock<std::mutex>& lock, std::size_t actor) {
  actors_[actor].may_run.wait(lock, [&] { return current_ == actor; });
}

void Scheduler::turn(std::size_t actor) {
  std::unique_lock lock(mutex_);
  choose_next();
  wait_for(lock, actor);
}

void Scheduler::sleep(std::size_t actor, std::uint64_t turns) {
  std::unique_lock lock(mutex_);
  actors_[actor].asleep_until = turns_ + turns;
  choose_next();
  wait_for(lock, actor);
}

void Scheduler::run() {
  {
    const std::scoped_lock lock(mutex_);
    choose_next();
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    if (actors_[i].is_done) {
      continue;  // of an earlier run
    }
    threads.emplace_back([this, i] {
      {
        std::unique_lock lock(mutex_);
        wait_for(lock, i);
      }
      actors_[i].work();
      const std::scoped_lock lock(mutex_);
      actors_[i].is_done = true;
      choose_next();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace cairn::test
