#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <functional>
#include <gsl/assert>
#include <string>

/// Parts of a test that need a process of their own: because they end it, or because two are meant
/// to meet. The child must not use what the parent has open, nor Catch2's macros.
namespace cairn::test {

/// A child must not outlive a test that hangs.
inline constexpr unsigned kChildSecondsMax = 100;

/// A running child; the destructor waits for it.
class ForkedProcess {
 public:
  /// The child's exit code is what `body` answers; its destructors outside of `body` do not run.
  explicit ForkedProcess(const std::function<int()>& body) : id_(::fork()) {
    Ensures(id_ >= 0);
    if (id_ == 0) {
      ::alarm(kChildSecondsMax);
      // Catch2 would report the parent's test case from here.
      for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM}) {
        static_cast<void>(std::signal(number, SIG_DFL));
      }
      ::_exit(body());
    }
  }
  ForkedProcess(const ForkedProcess&) = delete;
  ForkedProcess& operator=(const ForkedProcess&) = delete;
  ~ForkedProcess() {
    if (id_ > 0) {
      static_cast<void>(wait());
    }
  }

  /// "exit 0", "signal 9".
  [[nodiscard]] std::string wait() {
    int status = 0;
    Ensures(::waitpid(id_, &status, 0) == id_);
    id_ = 0;
    return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status));
  }

 private:
  pid_t id_;
};

[[nodiscard]] inline std::string in_child(const std::function<int()>& body) {
  return ForkedProcess(body).wait();
}

/// Lets processes wait for each other: whoever calls wait() goes on after a signal() elsewhere.
/// Made before the fork.
class Signal {
 public:
  Signal() { Ensures(::pipe(ends_.data()) == 0); }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void signal() const { Ensures(::write(ends_[1], "x", 1) == 1); }
  void wait() const {
    char byte = 0;
    Ensures(::read(ends_[0], &byte, 1) == 1);
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace cairn::test
