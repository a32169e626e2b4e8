#include "cairn/core/workers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace cairn::core {

namespace {

// More than any machine can use; callers may ask for any number.
constexpr unsigned kWorkersMax = 1024;

}  // namespace

unsigned worker_count(const Threads& threads, unsigned asked) {
  return std::min(asked != 0 ? asked : threads.processors(), kWorkersMax);
}

Status run_workers(const Threads& threads, unsigned count, std::string_view action,
                   const WorkerFunction& work) {
  if (count == 0) {
    return {};
  }
  std::atomic<bool> failed{false};
  const auto run = [&](unsigned worker) {
    Status result = guarded(action, [&] { return work(worker, failed); });
    if (!result) {
      failed = true;
    }
    return result;
  };
  std::vector<GuardedThread> others;
  others.reserve(count - 1);
  for (unsigned i = 1; i < count; ++i) {
    auto other = GuardedThread::start(
        threads, {.action = std::string(action), .work = [&run, i] { return run(i); }});
    if (!other) {
      break;  // the ones that started are enough
    }
    others.push_back(*std::move(other));
  }
  Status result = run(0);
  for (GuardedThread& other : others) {
    if (Status ended = other.join(); result && !ended) {
      result = std::move(ended);
    }
  }
  return result;
}

}  // namespace cairn::core
