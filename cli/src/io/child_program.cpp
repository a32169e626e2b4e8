#include "io/child_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <gsl/assert>
#include <utility>

#include "cairn/core/stop.h"

namespace cairn::cli {
namespace {

class SpawnSettings {
 public:
  SpawnSettings(int output, bool own_group) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    // Signals that this program ignores only for itself.
    ::sigaddset(&signals, SIGPIPE);
    ::sigaddset(&signals, SIGXFSZ);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (own_group) {
      ::posix_spawnattr_setpgroup(&attributes_, 0);
      flags |= POSIX_SPAWN_SETPGROUP;
    }
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  /// 0 or an error number.
  int spawn(std::vector<std::string>& words, ::pid_t& process) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    return ::posix_spawnp(&process, words[0].c_str(), &actions_, &attributes_, arguments.data(),
                          ::environ);
  }

 private:
  ::posix_spawn_file_actions_t actions_{};
  ::posix_spawnattr_t attributes_{};
};

/// A program outside the terminal's foreground process group is stopped when it reads from the
/// terminal.
bool in_foreground() {
  const core::Descriptor terminal(::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY));
  return terminal.is_open() && ::tcgetpgrp(terminal.number()) == ::getpgrp();
}

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

}  // namespace

core::Result<std::unique_ptr<ChildProgram>> ChildProgram::start(std::string name,
                                                                std::vector<std::string> words,
                                                                const std::stop_token& stop) {
  Expects(!words.empty());
  auto wake = std::make_unique<StopWake>(stop);
  std::array<int, 2> ends{};
  if (!wake->works() || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return core::fail(core::errno_error(errno, "start " + name));
  }
  core::Descriptor pipe(ends[0]);
  core::Descriptor written(ends[1]);
  const bool own_group = !in_foreground();
  ::pid_t process = 0;
  const int error_number = SpawnSettings(written.number(), own_group).spawn(words, process);
  if (error_number != 0) {
    return core::fail(core::errno_error(error_number, "start " + name));
  }
  return std::unique_ptr<ChildProgram>(
      new ChildProgram(std::move(name), process, own_group, std::move(pipe), std::move(wake)));
}

ChildProgram::ChildProgram(std::string name, pid_t process, bool own_group, core::Descriptor pipe,
                           std::unique_ptr<StopWake> wake)
    : name_(std::move(name)),
      process_(process),
      own_group_(own_group),
      pipe_(std::move(pipe)),
      wake_(std::move(wake)) {}

ChildProgram::~ChildProgram() {
  pipe_.close();  // it may be waiting for a reader
  if (process_ < 0) {
    return;
  }
  signal_it(SIGTERM);
  // Before it is reaped: until then nobody else can have its process id, or that of its group.
  static_cast<void>(has_ended_within(grace_ms_));
  signal_it(SIGKILL);
  core::uninterrupted([this] { return ::waitpid(process_, nullptr, 0); });
}

void ChildProgram::signal_it(int signal) const noexcept {
  ::kill(own_group_ ? -process_ : process_, signal);
  if (signal != SIGKILL) {
    ::kill(own_group_ ? -process_ : process_, SIGCONT);  // a stopped one does not receive SIGTERM
  }
}

bool ChildProgram::has_ended_within(int milliseconds) const noexcept {
  constexpr int kPauseMax = 50;
  int pause = 1;
  while (true) {
    ::siginfo_t ended{};
    const int waited = core::uninterrupted([this, &ended] {
      return ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT);
    });
    if (waited < 0 || ended.si_pid != 0) {
      return true;
    }
    if (milliseconds <= 0) {
      return false;
    }
    ::poll(nullptr, 0, std::min(pause, milliseconds));
    milliseconds -= pause;
    pause = std::min(2 * pause, kPauseMax);
  }
}

core::Result<std::size_t> ChildProgram::read(core::MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    if (!wake_->wait_to_read(pipe_.number())) {
      return core::interrupted();
    }
    const ::ssize_t got = ::read(pipe_.number(), out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return core::fail(core::errno_error(errno, "read the output of " + name_));
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

core::Status ChildProgram::finish() {
  constexpr int kSliceMs = 50;
  pipe_.close();
  while (!has_ended_within(kSliceMs)) {
    if (wake_->stop_requested()) {
      return core::interrupted();  // the destructor ends it
    }
  }
  int status = 0;
  const ::pid_t waited =
      core::uninterrupted([this, &status] { return ::waitpid(process_, &status, 0); });
  process_ = -1;
  if (waited < 0) {
    return core::fail(core::errno_error(errno, "wait for " + name_));
  }
  return judge(status);
}

core::Status ChildProgram::judge(int status) const {
  // Ctrl-C may have reached it before us.
  if (wake_->stop_requested() || (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)) {
    return core::interrupted();
  }
  if (WIFSIGNALED(status)) {
    return core::fail(core::ErrorCode::io,
                      fmt::format("{} was ended by {}", name_, signal_name(WTERMSIG(status))));
  }
  if (WEXITSTATUS(status) != 0) {
    return core::fail(core::ErrorCode::io,
                      fmt::format("{} ended with exit code {}", name_, WEXITSTATUS(status)));
  }
  return {};
}

}  // namespace cairn::cli
