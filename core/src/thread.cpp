#include "cairn/core/thread.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <new>
#include <sstream>
#include <system_error>

namespace cairn::core {
namespace {

constexpr std::string_view kThreadHint =
    "allow this program more threads or memory (ulimit -u, ulimit -v, the limit of the container)";

/// 0: unknown. A machine may have more processors than fit into a cpu_set_t.
unsigned affinity_processors() noexcept {
  ::cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 0;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// 0: there is no quota ("max", -1), or the texts are not numbers.
unsigned processors_of(std::string_view quota, std::string_view period) noexcept {
  std::uint64_t quota_us = 0;
  std::uint64_t period_us = 0;
  const auto is_number = [](std::string_view text, std::uint64_t& out) {
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
  };
  if (!is_number(quota, quota_us) || !is_number(period, period_us) || quota_us == 0 ||
      period_us == 0) {
    return 0;
  }
  constexpr std::uint64_t kMost = 1 << 20;
  return static_cast<unsigned>(std::min(quota_us / period_us + (quota_us % period_us != 0), kMost));
}

/// The quota of one group. Version 2 has both numbers in one file.
unsigned quota_of_group(const std::string& folder, bool is_unified) {
  if (!is_unified) {
    return processors_of(text_of(folder + "/cpu.cfs_quota_us"),
                         text_of(folder + "/cpu.cfs_period_us"));
  }
  const std::string both = text_of(folder + "/cpu.max");
  const std::size_t space = both.find(' ');
  return space == std::string::npos ? 0
                                    : processors_of(both.substr(0, space), both.substr(space + 1));
}

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == "cpu") {
      return true;
    }
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

void take_less(unsigned& least, unsigned found) noexcept {
  least = found != 0 && (least == 0 || found < least) ? found : least;
}

}  // namespace

Result<std::thread> SystemThreads::start(std::function<void()> body) const {
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& error) {
    return fail(errno_error(error.code().value(), "cannot start a thread").with_hint(kThreadHint));
  } catch (...) {
    return fail(error_of_exception("starting a thread"));
  }
}

unsigned SystemThreads::processors() const {
  unsigned least = std::thread::hardware_concurrency();
  take_less(least, affinity_processors());
  take_less(least, quota_processors());
  return std::max(least, 1U);
}

const Threads& system_threads() noexcept {
  static const SystemThreads threads;
  return threads;
}

unsigned quota_processors(const std::string& root) {
  unsigned least = 0;
  std::istringstream groups(text_of(root + "/proc/self/cgroup"));
  // "3:cpu,cpuacct:/path" for version 1, "0::/path" for version 2.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_unified = controllers.empty();
    if (!is_unified && !names_cpu(controllers)) {
      continue;
    }
    const std::string mount =
        root + "/sys/fs/cgroup" + (is_unified ? std::string() : "/" + controllers);
    // Groups are nested. In a container that does not see the outer ones, the path may not exist.
    std::string path = line.substr(second + 1);
    while (true) {
      take_less(least, quota_of_group(mount + (path == "/" ? std::string() : path), is_unified));
      if (path.empty() || path == "/") {
        break;
      }
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
  }
  return least;
}

Error error_of_exception(std::string_view action) noexcept {
  try {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      return {ErrorCode::internal, fmt::format("out of memory while {}", action),
              "allow this program more memory, or fewer threads"};
    } catch (const std::exception& error) {
      return {ErrorCode::internal, fmt::format("{}: {}", action, error.what())};
    } catch (...) {
      return {ErrorCode::internal, fmt::format("{}: an unknown exception", action)};
    }
  } catch (...) {
    return {ErrorCode::internal, "out of memory"};  // short enough to need none
  }
}

Result<GuardedThread> GuardedThread::start(const Threads& threads, Job job) noexcept {
  return guarded("starting a thread", [&]() -> Result<GuardedThread> {
    GuardedThread started;
    started.shared_ = std::make_unique<Shared>();
    started.shared_->job = std::move(job);
    auto thread = threads.start([shared = started.shared_.get()] { run(*shared); });
    if (!thread) {
      return fail(std::move(thread).error());
    }
    started.thread_ = *std::move(thread);
    return started;
  });
}

void GuardedThread::run(Shared& shared) noexcept {
  shared.result = guarded(shared.job.action, shared.job.work);
  if (!shared.result && shared.job.on_error) {
    try {
      shared.job.on_error(shared.result.error());
    } catch (...) {
      // The result says that it failed.
    }
  }
}

GuardedThread& GuardedThread::operator=(GuardedThread&& other) noexcept {
  if (this != &other) {
    if (thread_.joinable()) {
      thread_.join();
    }
    shared_ = std::move(other.shared_);
    thread_ = std::move(other.thread_);
  }
  return *this;
}

GuardedThread::~GuardedThread() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

Status GuardedThread::join() {
  if (!thread_.joinable()) {
    return {};
  }
  thread_.join();
  return std::move(shared_->result);
}

}  // namespace cairn::core
