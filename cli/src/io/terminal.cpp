#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cairn/core/descriptor.h"
#include "cairn/core/stop.h"
#include "io/secret_input.h"
#include "io/system_streams.h"

namespace cairn::cli {
namespace {

/// Typed keys are not shown while this exists.
class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal) {
    known_ = ::tcgetattr(terminal_, &before_) == 0;
    if (known_) {
      ::termios quiet = before_;
      quiet.c_lflag &= ~static_cast<::tcflag_t>(ECHO);
      known_ = ::tcsetattr(terminal_, TCSAFLUSH, &quiet) == 0;
    }
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() {
    if (known_) {
      ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    }
  }
  [[nodiscard]] bool worked() const noexcept { return known_; }

 private:
  int terminal_;
  ::termios before_{};
  bool known_ = false;
};

void show(int terminal, std::string_view text) {
  static_cast<void>(!::write(terminal, text.data(), text.size()));
}

/// A line typed on the terminal; interrupted as soon as `wake` can be read.
core::Result<core::SecretBytes> read_typed_line(int terminal, int wake) {
  core::SecretBytes buffer(kPassphraseBytesMax);
  std::size_t size = 0;
  while (size < buffer.size()) {
    std::array<::pollfd, 2> waits{{{terminal, POLLIN, 0}, {wake, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
      return core::fail(core::errno_error(errno, "read from the terminal"));
    }
    if (waits[1].revents != 0) {
      return core::interrupted();
    }
    if (waits[0].revents == 0) {
      continue;
    }
    const ::ssize_t count =
        ::read(terminal, buffer.mutable_view().data() + size, buffer.size() - size);
    if (count < 0 && errno != EINTR) {
      return core::fail(core::errno_error(errno, "read from the terminal"));
    }
    if (count == 0) {
      break;
    }
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
    if (size > 0 && buffer.view()[size - 1] == std::byte{'\n'}) {
      --size;
      break;
    }
  }
  return core::SecretBytes::copy_of(buffer.view().first(size));
}

/// Shows a prompt and reads the answer.
core::Result<core::SecretBytes> ask_line(int terminal, std::string_view prompt,
                                         const std::stop_token& stop) {
  const core::Descriptor wake(::eventfd(0, EFD_CLOEXEC));
  if (wake.number() < 0) {
    return core::fail(core::errno_error(errno, "read from the terminal"));
  }
  const auto request = [&wake] { static_cast<void>(::eventfd_write(wake.number(), 1)); };
  const std::stop_callback on_stop(stop, request);
  show(terminal, prompt);
  return read_typed_line(terminal, wake.number());
}

core::Result<int> open_terminal() {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) {
    return core::fail(core::ErrorCode::not_found, "there is no terminal");
  }
  return terminal;
}

}  // namespace

core::Result<core::SecretBytes> ask_on_terminal(std::string_view prompt,
                                                const std::stop_token& stop) {
  CAIRN_TRY(const int number, open_terminal());
  const core::Descriptor terminal(number);
  const EchoOff echo_off(terminal.number());
  if (!echo_off.worked()) {
    return core::fail(core::ErrorCode::io, "switch off the echo of the terminal: failed");
  }
  auto line = ask_line(terminal.number(), prompt, stop);
  show(terminal.number(), "\n");
  return line;
}

core::Result<bool> confirm_on_terminal(std::string_view question, const std::stop_token& stop) {
  CAIRN_TRY(const int number, open_terminal());
  const core::Descriptor terminal(number);
  CAIRN_TRY(const core::SecretBytes line, ask_line(terminal.number(), question, stop));
  const std::string answer = core::to_string(line.view());
  return answer == "y" || answer == "yes" || answer == "Y" || answer == "YES";
}

}  // namespace cairn::cli
