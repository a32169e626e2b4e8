#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace cairn::cli {

/// Turns Ctrl-C, SIGTERM and SIGHUP into a request to stop; the second one ends the process at once
/// with status 130. Signals that are ignored when the program starts (nohup) stay ignored.
///
/// Make one before any other thread: threads inherit that these signals are blocked, and a thread
/// of its own waits for them. No signal handler runs, so nothing has to be async-signal-safe.
class InterruptWatcher {
 public:
  InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;
  ~InterruptWatcher();

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  void watch();

  std::stop_source stop_;
  int wake_signal_;
  sigset_t signals_;
  std::thread watcher_;
};

}  // namespace cairn::cli
