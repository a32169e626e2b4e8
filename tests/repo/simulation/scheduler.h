#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "seeded_data.h"

namespace cairn::test {

/// Lets one actor run at a time, and decides by a seed who is next whenever one of them is about to
/// do something that others can notice. Actors are threads; what they do between two turns nobody
/// sees, so a run is a sequence of turns, the same for the same seed.
class Scheduler {
 public:
  explicit Scheduler(std::uint64_t seed) : numbers_(seed) {}

  /// Adds an actor before run(). `work` runs in a thread of its own.
  std::size_t add(std::function<void()> work);
  /// Runs all actors to their end. More may be added, and run, afterwards.
  void run();

  /// Called by an actor (any of its threads, one at a time) before each step that others notice.
  void turn(std::size_t actor);
  /// As if its machine were asleep: the actor gets no turn until so many others were given.
  void sleep(std::size_t actor, std::uint64_t turns);
  /// A number of the seed's, for the actor whose turn it is.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return numbers_.next() % limit; }
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

 private:
  struct Actor {
    std::function<void()> work;
    std::condition_variable may_run;
    std::uint64_t asleep_until = 0;
    bool is_done = false;
  };
  void choose_next();
  void wait_for(std::unique_lock<std::mutex>& lock, std::size_t actor);

  SeededNumbers numbers_;
  std::mutex mutex_;
  std::deque<Actor> actors_;
  std::size_t current_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace cairn::test
