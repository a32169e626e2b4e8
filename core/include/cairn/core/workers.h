#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "cairn/core/result.h"
#include "cairn/core/thread.h"

/// Several threads that share one piece of work.
namespace cairn::core {

/// As many as `asked`, within reason; 0 means one for each processor that may be used.
[[nodiscard]] unsigned worker_count(const Threads& threads, unsigned asked);

/// The work of one of them. `failed` is true once another one has failed: then further work is
/// useless.
using WorkerFunction = std::function<Status(unsigned worker, const std::atomic<bool>& failed)>;

/// Runs `work` in `count` threads, numbered from 0, the first of which is the caller's, and waits
/// for all. If the system cannot start so many there are fewer, so no worker may wait for another
/// one to begin. Returns one of the errors; an exception becomes one. `action` as in "copying
/// chunks".
Status run_workers(const Threads& threads, unsigned count, std::string_view action,
                   const WorkerFunction& work);

}  // namespace cairn::core
