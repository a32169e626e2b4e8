#include "io/child_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "cli_fixture.h"

namespace cairn::cli {
namespace {

using core::ErrorCode;
using Words = std::vector<std::string>;

std::unique_ptr<ChildProgram> start(Words words, const std::stop_token& stop = {}) {
  auto child = ChildProgram::start("it", std::move(words), stop);
  REQUIRE(child);
  return std::move(*child);
}

/// All that it prints.
std::string output_of(ChildProgram& child) {
  std::string text(1024 * 1024, '\0');
  const auto size = child.read({reinterpret_cast<std::byte*>(text.data()), text.size()});
  REQUIRE(size);
  text.resize(*size);
  return text;
}

/// The message of how it ended.
std::string end_of(const std::string& script) {
  const auto child = start({"sh", "-c", script});
  static_cast<void>(output_of(*child));
  const core::Status ended = child->finish();
  return ended ? "well" : ended.error().message();
}

/// Blocks a signal and ignores another, as the program does for itself, until the end.
class OwnSignals {
 public:
  OwnSignals() : pipe_before_(::signal(SIGPIPE, SIG_IGN)) {
    ::sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, &mask_before_);
  }
  OwnSignals(const OwnSignals&) = delete;
  OwnSignals& operator=(const OwnSignals&) = delete;
  ~OwnSignals() {
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    ::signal(SIGPIPE, pipe_before_);
  }

 private:
  ::sigset_t mask_before_{};
  void (*pipe_before_)(int);
};

TEST_CASE("a child process is read to its end, and its end is told") {
  const auto child = start({"printf", "%s-%s", "a b", "c"});
  CHECK(output_of(*child) == "a b-c");
  CHECK(child->finish());
  CHECK(end_of("echo x") == "well");
  CHECK(end_of("exit 3") == "it ended with exit code 3");
  CHECK(end_of("kill -9 $$") == "it was ended by SIGKILL");
  CHECK(end_of("kill -SEGV $$") == "it was ended by SIGSEGV");
  CHECK(end_of("{ head -c 1000000 /dev/zero >&2; } 2>/dev/null") == "well");
}

TEST_CASE("a program that cannot be started is an error that says why") {
  const auto missing = ChildProgram::start("it", {"/no/such/program"}, {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == ErrorCode::not_found);
  CHECK(missing.error().message().starts_with("start it: "));
  const test::TempFolder folder;
  write_file(folder / "plain", "no program");
  const auto forbidden = ChildProgram::start("it", {folder / "plain"}, {});
  REQUIRE_FALSE(forbidden);
  CHECK(forbidden.error().code() == ErrorCode::permission_denied);
}

TEST_CASE("a child process gets the signals of any program, and none of our descriptors") {
  const OwnSignals signals;
  const core::Descriptor ours(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto child = start({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"});
  const std::string seen = output_of(*child);
  CHECK(child->finish());
  CHECK(seen.find("SigBlk:\t0000000000000000") != std::string::npos);
  // SIGPIPE is bit 12. What the test itself was started with stays ignored.
  const auto ignored = std::stoull(seen.substr(seen.find("SigIgn:\t") + 8, 16), nullptr, 16);
  CHECK((ignored >> (SIGPIPE - 1) & 1) == 0);

  const auto files = start({"sh", "-c",
                            "test -e /proc/$$/fd/" + std::to_string(ours.number()) +
                                " && echo there || echo not there"});
  CHECK(output_of(*files) == "not there\n");
  CHECK(files->finish());
}

TEST_CASE("a stop ends the wait for what a child prints, and for its end", "[threads]") {
  for (const char* const script : {"echo $$; exec sleep 1000", "echo $$; exec >&-; sleep 1000"}) {
    std::stop_source stop;
    auto child = start({"sh", "-c", script}, stop.get_token());
    std::string line(8, '\0');
    for (std::size_t i = 0; i < line.size(); ++i) {
      REQUIRE(child->read({reinterpret_cast<std::byte*>(&line[i]), 1}));
      if (line[i] == '\n') {
        break;
      }
    }
    const auto process = static_cast<::pid_t>(std::stoi(line));
    CHECK(::kill(process, 0) == 0);
    std::thread asks([&stop] { stop.request_stop(); });
    std::byte byte{};
    const auto more = child->read({&byte, 1});
    const core::Status ended = more ? child->finish() : core::fail(more.error());
    asks.join();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code() == ErrorCode::interrupted);
    child.reset();
    CHECK(::kill(process, 0) < 0);
    CHECK(errno == ESRCH);
  }
}

TEST_CASE("a child that does not heed SIGTERM is killed, with what it has started") {
  const core::Descriptor terminal(::open("/dev/tty", O_RDONLY | O_CLOEXEC));
  if (terminal.is_open() && ::tcgetpgrp(terminal.number()) == ::getpgrp()) {
    WARN("in the foreground of a terminal: not checked that what a child starts ends with it");
    return;
  }
  const test::TempFolder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  auto child =
      start({"sh", "-c", "trap '' TERM; sleep 1000 >'" + fifo + "' & while :; do wait; done"});
  child->set_grace(20);
  const core::Descriptor held(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(held.is_open());
  child.reset();
  // The end comes when nobody has it open any more; the time limit of the test says if not.
  char byte = 0;
  CHECK(core::uninterrupted([&] { return ::read(held.number(), &byte, 1); }) == 0);
}

}  // namespace
}  // namespace cairn::cli
