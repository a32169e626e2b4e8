#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "cairn/core/result.h"

/// Threads whose start and work end in a Status. A thread that the system refuses to start, or that
/// runs out of memory, must neither end the process nor leave others waiting for it.
namespace cairn::core {

/// Where threads come from: passed in, so that tests can make a start fail. Thread-safe.
class Threads {
 public:
  virtual ~Threads() = default;
  /// Runs `body`, which must not throw, on a new thread. Errors: io (the system cannot start
  /// another one), internal (out of memory).
  [[nodiscard]] virtual Result<std::thread> start(std::function<void()> body) const = 0;
  /// How many threads can be kept busy at once; at least 1.
  [[nodiscard]] virtual unsigned processors() const = 0;
};

class SystemThreads final : public Threads {
 public:
  [[nodiscard]] Result<std::thread> start(std::function<void()> body) const override;
  /// According to this process's affinity and the quota of its control groups.
  [[nodiscard]] unsigned processors() const override;
};
[[nodiscard]] const Threads& system_threads() noexcept;

/// How many processors the quotas of this process's control groups (versions 1 and 2) amount to,
/// rounded up; 0: there is no quota. `root` is put before the paths of the kernel's files.
[[nodiscard]] unsigned quota_processors(const std::string& root = {});

/// The exception being handled, as an error (internal): "out of memory while `action`" or
/// "`action`: ...". For catch clauses. `action` as in "reading files".
[[nodiscard]] Error error_of_exception(std::string_view action) noexcept;

/// Returns what `work` returns; what it throws becomes an error.
template <class Work>
[[nodiscard]] std::invoke_result_t<Work&> guarded(std::string_view action, Work&& work) noexcept {
  try {
    return work();
  } catch (...) {
    return fail(error_of_exception(action));
  }
}

/// One thread with one piece of work. The destructor joins it at the latest, so its owner must make
/// sure that the work can end by then. Movable. Not thread-safe.
class GuardedThread {
 public:
  struct Job {
    std::string action;            ///< what it does, as in "reading files", for errors
    std::function<Status()> work;  ///< what it throws becomes an error
    /// Called by the thread if the work ends with an error, so that it can tell those who would
    /// otherwise wait for ever. May be empty.
    std::function<void(const Error&)> on_error = {};
  };
  /// Errors: as Threads::start().
  [[nodiscard]] static Result<GuardedThread> start(const Threads& threads, Job job) noexcept;

  /// No thread.
  GuardedThread() = default;
  GuardedThread(GuardedThread&&) noexcept = default;
  GuardedThread& operator=(GuardedThread&& other) noexcept;
  ~GuardedThread();

  /// False once it is joined, or if there is none.
  [[nodiscard]] bool is_joinable() const noexcept { return thread_.joinable(); }
  /// Waits for its end and returns the result of the work; ok if there is nothing to wait for.
  Status join();

 private:
  struct Shared {
    Job job;
    Status result;
  };
  static void run(Shared& shared) noexcept;

  std::unique_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace cairn::core
