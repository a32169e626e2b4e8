#include "command_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <gsl/assert>
#include <utility>

namespace cairn::cli {

core::Result<std::unique_ptr<CommandOutput>> CommandOutput::start(std::vector<std::string> words) {
  Expects(!words.empty());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return core::fail(core::errno_error(errno, "start " + words[0]));
  }
  core::Descriptor pipe(ends[0]);
  core::Descriptor written(ends[1]);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, written.number(), STDOUT_FILENO);
  pid_t process = 0;
  const int error_number =
      ::posix_spawnp(&process, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  written.close();
  if (error_number != 0) {
    return core::fail(core::errno_error(error_number, "start " + words[0]));
  }
  return std::unique_ptr<CommandOutput>(
      new CommandOutput(std::move(words[0]), process, std::move(pipe)));
}

CommandOutput::~CommandOutput() {
  pipe_.close();  // it may wait for somebody who reads
  if (process_ > 0) {
    ::kill(process_, SIGTERM);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

core::Result<std::size_t> CommandOutput::read(core::MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
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

core::Status CommandOutput::finish() {
  pipe_.close();
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0) {
    if (errno != EINTR) {
      return core::fail(core::errno_error(errno, "wait for " + name_));
    }
  }
  process_ = -1;
  constexpr const char* kHint = "no snapshot was made";
  if (WIFSIGNALED(status)) {
    return core::fail(core::ErrorCode::io,
                      fmt::format("{} was ended by signal {}", name_, WTERMSIG(status)), kHint);
  }
  if (WEXITSTATUS(status) != 0) {
    return core::fail(core::ErrorCode::io,
                      fmt::format("{} ended with exit code {}", name_, WEXITSTATUS(status)), kHint);
  }
  return {};
}

}  // namespace cairn::cli
