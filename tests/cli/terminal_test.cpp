#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli_fixture.h"

namespace cairn::cli {
namespace {

/// The real program on a terminal of its own. Reading waits for what the program does next, so
/// there is nothing to sleep for; the time limit of the test ends one that hangs.
class OnTerminal {
 public:
  OnTerminal(const std::string& folder, const std::vector<std::string>& args) {
    std::vector<std::string> words = {CAIRN_PROGRAM};
    words.insert(words.end(), args.begin(), args.end());
    std::vector<char*> pointers;
    for (std::string& word : words) {
      pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    const std::string cache = "CAIRN_CACHE_DIR=" + folder + "/cache";
    std::vector<std::string> variables = {cache, "TERM=xterm",
                                          "CAIRN_REPOSITORY=" + folder + "/repo"};
    std::vector<char*> environment;
    for (std::string& variable : variables) {
      environment.push_back(variable.data());
    }
    environment.push_back(nullptr);
    child_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      ::execve(CAIRN_PROGRAM, pointers.data(), environment.data());
      ::_exit(127);
    }
    REQUIRE(child_ > 0);
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;
  ~OnTerminal() { ::close(terminal_); }

  /// Reads until the text has appeared, or the program has ended.
  bool read_until(const std::string& text) {
    while (seen_.find(text) == std::string::npos) {
      std::array<char, 256> buffer{};
      const ::ssize_t count = ::read(terminal_, buffer.data(), buffer.size());
      if (count <= 0) {
        return false;
      }
      seen_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
  }
  void type(const std::string& text) {
    seen_.clear();
    REQUIRE(::write(terminal_, text.data(), text.size()) == static_cast<::ssize_t>(text.size()));
  }
  [[nodiscard]] bool echoes() const {
    ::termios settings{};
    REQUIRE(::tcgetattr(terminal_, &settings) == 0);
    return (settings.c_lflag & static_cast<::tcflag_t>(ECHO)) != 0;
  }
  /// Exit status, after all output has been read.
  int wait() {
    static_cast<void>(read_until("\x01never"));
    int status = 0;
    REQUIRE(::waitpid(child_, &status, 0) == child_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] const std::string& seen() const { return seen_; }

 private:
  int terminal_ = -1;
  ::pid_t child_ = -1;
  std::string seen_;
};

TEST_CASE("the terminal is asked without echo, twice for a new passphrase") {
  const test::TempFolder folder;
  OnTerminal init(folder.path(), {"init"});
  REQUIRE(init.read_until("new passphrase for " + folder.path() + "/repo: "));
  CHECK_FALSE(init.echoes());
  init.type("open sesame\n");
  REQUIRE(init.read_until("the same again: "));
  CHECK_FALSE(init.echoes());
  CHECK(init.seen().find("sesame") == std::string::npos);
  init.type("open sesame\n");
  REQUIRE(init.read_until("made at"));
  CHECK(init.echoes());
  CHECK(init.wait() == 0);

  OnTerminal wrong(folder.path(), {"snapshots"});
  REQUIRE(wrong.read_until("passphrase of "));
  wrong.type("something else\n");
  for (int again = 0; again < 2; ++again) {
    REQUIRE(wrong.read_until("try again\r\npassphrase of "));
    wrong.type("something else\n");
  }
  CHECK(wrong.wait() == 12);

  OnTerminal second_try(folder.path(), {"snapshots"});
  REQUIRE(second_try.read_until("passphrase of "));
  second_try.type("open sesam\n");
  REQUIRE(second_try.read_until("try again\r\npassphrase of "));
  second_try.type("open sesame\n");
  CHECK(second_try.wait() == 0);
}

TEST_CASE("Ctrl-C at the prompt ends the program and gives the echo back") {
  const test::TempFolder folder;
  OnTerminal init(folder.path(), {"init"});
  REQUIRE(init.read_until("new passphrase for "));
  init.type("half a pass\x03");
  REQUIRE(init.read_until("cairn: interrupted"));
  CHECK(init.echoes());
  CHECK(init.wait() == 130);
  CHECK_FALSE(std::filesystem::exists(folder / "repo"));
}

}  // namespace
}  // namespace cairn::cli
