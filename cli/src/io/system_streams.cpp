#include "io/system_streams.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

#include "io/descriptor_streams.h"

namespace cairn::cli {
namespace {

std::size_t columns_of(int descriptor) {
  constexpr std::size_t kUnknown = 80;
  ::winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUnknown;
}

/// Empty if it is gone or unknown.
std::string working_folder() {
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::current_path(failed);
  return failed || !folder.is_absolute() ? std::string() : folder.native();
}

}  // namespace

struct SystemStreams::Parts {
  Parts(const repo::Environment& system, std::stop_token stop_token)
      : input(STDIN_FILENO, stop_token),
        output(STDOUT_FILENO),
        in(&input),
        out(&output),
        streams{in, out, std::cerr, system.file_system, system.clock, system.random} {
    const repo::UserFolders folders = repo::system_user_folders();
    streams.environment = folders.variable;
    const std::string terminal = streams.variable("TERM");
    streams.out_is_terminal = ::isatty(STDOUT_FILENO) != 0;
    streams.err_is_terminal =
        ::isatty(STDERR_FILENO) != 0 && !terminal.empty() && terminal != "dumb";
    streams.err_columns = [] { return columns_of(STDERR_FILENO); };
    streams.in_error = [this] { return input.error(); };
    streams.out_error = [this] { return output.error(); };
    streams.ask_passphrase = [stop_token](std::string_view prompt) {
      return ask_on_terminal(prompt, stop_token);
    };
    if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) {
      streams.confirm = [stop_token](std::string_view question) {
        return confirm_on_terminal(question, stop_token);
      };
    }
    streams.host = system.host;
    streams.user = system.user;
    streams.home_folder = folders.home;
    streams.working_folder = working_folder();
    streams.process = system.process;
    streams.process_is_gone = system.process_is_gone;
    streams.stop = std::move(stop_token);
  }

  DescriptorInput input;
  DescriptorOutput output;
  std::istream in;
  std::ostream out;
  Streams streams;
};

ClosedStreams occupy_closed_streams() {
  const auto occupy = [](int descriptor, int access) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) {
      return false;
    }
    // open() takes the lowest free number; those below are taken by now.
    static_cast<void>(::open("/dev/null", access));
    return true;
  };
  ClosedStreams closed;
  closed.in = occupy(STDIN_FILENO, O_WRONLY);
  closed.out = occupy(STDOUT_FILENO, O_RDONLY);
  closed.err = occupy(STDERR_FILENO, O_RDONLY);
  return closed;
}

SystemStreams::SystemStreams(const repo::Environment& system, std::stop_token stop)
    : parts_(std::make_unique<Parts>(system, std::move(stop))) {}

SystemStreams::~SystemStreams() = default;

Streams& SystemStreams::streams() noexcept { return parts_->streams; }

}  // namespace cairn::cli
