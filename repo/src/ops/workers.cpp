#include "ops/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

namespace cairn::repo::ops {

unsigned worker_count(unsigned asked) noexcept {
  return asked != 0 ? asked : std::max(1U, std::thread::hardware_concurrency());
}

core::Status run_workers(unsigned count, std::string_view what, const WorkerFunction& work) {
  std::atomic<bool> failed{false};
  std::vector<core::Status> results(count);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        try {
          results[i] = work(i, failed);
        } catch (const std::exception& e) {
          results[i] = core::fail(core::ErrorCode::internal, fmt::format("{}: {}", what, e.what()));
        }
        if (!results[i]) {
          failed = true;
        }
      });
    }
  }
  for (core::Status& result : results) {
    CAIRN_TRY_STATUS(std::move(result));
  }
  return {};
}

}  // namespace cairn::repo::ops
