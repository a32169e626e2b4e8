#include "io/system_streams.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>
#include <vector>

#include "io/descriptor_streams.h"

namespace cairn::cli {
namespace {

std::size_t columns_of(int descriptor) {
  constexpr std::size_t kUnknown = 80;
  ::winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUnknown;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

struct Account {
  std::string name;
  std::string home;
};

Account account() {
  constexpr std::size_t kEntryBytes = 64 * 1024;
  std::vector<char> text(kEntryBytes);
  ::passwd entry{};
  ::passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, text.data(), text.size(), &found) != 0 ||
      found == nullptr) {
    return {std::to_string(::geteuid()), {}};
  }
  return {found->pw_name, found->pw_dir};
}

/// Empty if it is gone, or cannot be told.
std::string working_folder() {
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::current_path(failed);
  return failed || !folder.is_absolute() ? std::string() : folder.native();
}

std::optional<std::string> environment_variable(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

struct SystemStreams::Parts {
  explicit Parts(std::stop_token stop_token)
      : input(STDIN_FILENO, stop_token),
        output(STDOUT_FILENO),
        in(&input),
        out(&output),
        file_system(core::make_posix_file_system()),
        streams{in, out, std::cerr, *file_system, clock, random} {
    const Account who = account();
    const std::string terminal = environment_variable("TERM").value_or("");
    streams.out_is_terminal = ::isatty(STDOUT_FILENO) != 0;
    streams.err_is_terminal =
        ::isatty(STDERR_FILENO) != 0 && !terminal.empty() && terminal != "dumb";
    streams.err_columns = [] { return columns_of(STDERR_FILENO); };
    streams.in_error = [this] { return input.error(); };
    streams.out_error = [this] { return output.error(); };
    streams.environment = environment_variable;
    streams.ask_passphrase = [stop_token](std::string_view prompt) {
      return ask_on_terminal(prompt, stop_token);
    };
    if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) {
      streams.confirm = [stop_token](std::string_view question) {
        return confirm_on_terminal(question, stop_token);
      };
    }
    streams.host = host_name();
    streams.user = who.name;
    streams.home_folder = who.home;
    streams.working_folder = working_folder();
    streams.process = core::current_process();
    streams.process_is_gone = core::is_gone;
    streams.stop = std::move(stop_token);
  }

  DescriptorInput input;
  DescriptorOutput output;
  std::istream in;
  std::ostream out;
  std::unique_ptr<core::FileSystem> file_system;
  core::SystemClock clock;
  core::SystemRandom random;
  Streams streams;
};

ClosedStreams occupy_closed_streams() {
  const auto occupy = [](int descriptor, int access) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) {
      return false;
    }
    // The lowest number that is free: those below are taken by now.
    static_cast<void>(::open("/dev/null", access));
    return true;
  };
  ClosedStreams closed;
  closed.in = occupy(STDIN_FILENO, O_WRONLY);
  closed.out = occupy(STDOUT_FILENO, O_RDONLY);
  closed.err = occupy(STDERR_FILENO, O_RDONLY);
  return closed;
}

SystemStreams::SystemStreams(std::stop_token stop)
    : parts_(std::make_unique<Parts>(std::move(stop))) {}

SystemStreams::~SystemStreams() = default;

Streams& SystemStreams::streams() noexcept { return parts_->streams; }

}  // namespace cairn::cli
