#include "io/interrupts.h"

#include <pthread.h>
#include <unistd.h>

#include <string_view>

namespace cairn::cli {
namespace {

constexpr int kInterruptedStatus = 130;

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

InterruptWatcher::InterruptWatcher() : wake_signal_(SIGRTMIN), signals_{} {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, wake_signal_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    if (!is_ignored(signal)) {
      ::sigaddset(&signals_, signal);
    }
  }
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  if (auto watcher = core::system_threads().start([this] { watch(); })) {
    watcher_ = *std::move(watcher);
  } else {
    ::sigdelset(&signals_, SIGUSR1);
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }
}

InterruptWatcher::~InterruptWatcher() {
  if (!watcher_.joinable()) {
    return;
  }
  ::pthread_kill(watcher_.native_handle(), wake_signal_);
  watcher_.join();
}

void InterruptWatcher::watch() {
  while (true) {
    int signal = 0;
    if (::sigwait(&signals_, &signal) != 0) {
      continue;
    }
    if (signal == wake_signal_) {
      return;
    }
    if (signal == SIGUSR1) {
      progress_wanted_ = true;
      continue;
    }
    if (stop_.stop_requested()) {
      ::_exit(kInterruptedStatus);
    }
    if (::isatty(STDERR_FILENO) != 0) {
      constexpr std::string_view kText = "\ncairn: stopping; the same again ends it at once\n";
      static_cast<void>(!::write(STDERR_FILENO, kText.data(), kText.size()));
    }
    stop_.request_stop();
  }
}

}  // namespace cairn::cli
