#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "cairn/core/result.h"

/// Several threads at one piece of work.
namespace cairn::repo::ops {

/// As many as were asked for; 0 means one for each processor.
[[nodiscard]] unsigned worker_count(unsigned asked) noexcept;

/// What one of them does. `failed` is true once another one has failed: then nothing more is of
/// use.
using WorkerFunction =
    std::function<core::Status(unsigned worker, const std::atomic<bool>& failed)>;

/// Runs `work` in `count` threads, numbered from 0, and waits for all. Answers one of the errors;
/// what is thrown becomes one (internal, "`what`: ..."). `work` must outlive nothing but the call.
core::Status run_workers(unsigned count, std::string_view what, const WorkerFunction& work);

}  // namespace cairn::repo::ops
