#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>

#include "cairn/core/thread.h"

namespace cairn::cli {

/// Turns Ctrl-C, SIGTERM and SIGHUP into a request to stop; a second one ends the process at once
/// with status 130. Signals that are ignored when the program starts (nohup) stay ignored.
///
/// Make one before any other thread: threads inherit that these signals are blocked, and a separate
/// thread waits for them. If that thread cannot be started, they end the process as usual. SIGUSR1,
/// with which people ask for progress, is only noted; it never ends the process. No signal handler
/// runs, so nothing has to be async-signal-safe.
class InterruptWatcher {
 public:
  InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;
  ~InterruptWatcher();

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
  /// True once for each SIGUSR1, or for several together. Thread-safe.
  [[nodiscard]] bool take_progress_request() const noexcept {
    return progress_wanted_.load(std::memory_order_relaxed) && progress_wanted_.exchange(false);
  }

 private:
  void watch();

  std::stop_source stop_;
  mutable std::atomic<bool> progress_wanted_{false};
  int wake_signal_;
  sigset_t signals_;
  std::thread watcher_;  ///< none if the system could not start it
};

}  // namespace cairn::cli
