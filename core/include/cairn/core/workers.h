#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "cairn/core/result.h"
#include "cairn/core/thread.h"

/// Several threads at one piece of work.
namespace cairn::core {

/// As many as were asked for, within reason; 0 means one for each processor that may be used.
[[nodiscard]] unsigned worker_count(const Threads& threads, unsigned asked);

/// What one of them does. `failed` is true once another one has failed: then nothing more is of
/// use.
using WorkerFunction = std::function<Status(unsigned worker, const std::atomic<bool>& failed)>;

/// Runs `work` in `count` threads, numbered from 0, of which the caller's is the first, and waits
/// for all. Where the system has no room for so many there are fewer: nobody may wait for a worker
/// that has not begun. Answers one of the errors; what is thrown becomes one. `action` as in
/// "copying chunks".
Status run_workers(const Threads& threads, unsigned count, std::string_view action,
                   const WorkerFunction& work);

}  // namespace cairn::core
