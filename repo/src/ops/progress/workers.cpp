#include "ops/progress/workers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace cairn::repo::ops {

namespace {

// More than any machine makes use of; callers may ask for anything.
constexpr unsigned kWorkersMax = 1024;

}  // namespace

unsigned worker_count(const core::Threads& threads, unsigned asked) {
  return std::min(asked != 0 ? asked : threads.processors(), kWorkersMax);
}

core::Status run_workers(const core::Threads& threads, unsigned count, std::string_view action,
                         const WorkerFunction& work) {
  if (count == 0) {
    return {};
  }
  std::atomic<bool> failed{false};
  const auto run = [&](unsigned worker) {
    core::Status result = core::guarded(action, [&] { return work(worker, failed); });
    if (!result) {
      failed = true;
    }
    return result;
  };
  std::vector<core::GuardedThread> others;
  others.reserve(count - 1);
  for (unsigned i = 1; i < count; ++i) {
    auto other = core::GuardedThread::start(
        threads, {.action = std::string(action), .work = [&run, i] { return run(i); }});
    if (!other) {
      break;  // those there are will do
    }
    others.push_back(*std::move(other));
  }
  core::Status result = run(0);
  for (core::GuardedThread& other : others) {
    if (core::Status ended = other.join(); result && !ended) {
      result = std::move(ended);
    }
  }
  return result;
}

}  // namespace cairn::repo::ops
