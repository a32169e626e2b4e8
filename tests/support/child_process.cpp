#include "child_process.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <gsl/assert>

namespace cairn::test {
namespace {

[[noreturn]] void answer_and_exit(int pipe_end, const std::function<std::string()>& body) {
  const std::string answer = body();
  std::size_t done = 0;
  while (done < answer.size()) {
    const ::ssize_t written = ::write(pipe_end, answer.data() + done, answer.size() - done);
    if (written < 0) {
      ::_exit(1);
    }
    done += static_cast<std::size_t>(written);
  }
  ::_exit(0);
}

}  // namespace

std::string run_in_child(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  Ensures(::pipe(ends.data()) == 0);
  const ::pid_t child = ::fork();
  Ensures(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    answer_and_exit(ends[1], body);
  }
  ::close(ends[1]);
  std::string answer;
  std::array<char, 4096> block;
  while (true) {
    const ::ssize_t got = ::read(ends[0], block.data(), block.size());
    if (got <= 0) {
      break;
    }
    answer.append(block.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  Ensures(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? answer : "died";
}

std::string run_as_ordinary_user(const std::function<std::string()>& body) {
  return run_in_child([&]() -> std::string {
    if (::geteuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) {
      return "cannot become an ordinary user";
    }
    return body();
  });
}

}  // namespace cairn::test
