#include "cairn/core/process_identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "cairn/core/crypto.h"
#include "cairn/core/descriptor.h"

namespace cairn::core {
namespace {

/// Files of /proc come in one read. Empty if there is no such file.
std::string content_of(const std::string& path) {
  std::array<char, 4096> text{};
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    return {};
  }
  const ::ssize_t size =
      uninterrupted([&] { return ::read(file.number(), text.data(), text.size()); });
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string link_target(const char* path) {
  std::array<char, 256> text{};
  const ::ssize_t size = ::readlink(path, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

Hash256 current_place() {
  // A boot id is random, so it identifies the machine as well. Start times are shown in the
  // reader's own time namespace. The host name is for virtual machines that were copied while
  // running.
  const std::string boot = content_of("/proc/sys/kernel/random/boot_id");
  const std::string processes = link_target("/proc/self/ns/pid");
  const bool is_our_proc = link_target("/proc/self") == std::to_string(::getpid());
  if (boot.empty() || processes.empty() || !is_our_proc) {
    return {};
  }
  std::array<char, HOST_NAME_MAX + 1> host{};
  static_cast<void>(::gethostname(host.data(), host.size() - 1));
  return hash256(as_view(fmt::format("cairn place v1\n{}\n{}\n{}\n{}", boot, processes,
                                     link_target("/proc/self/ns/time"), host.data())));
}

struct ProcessState {
  char state = '?';
  std::uint64_t start = 0;
};

/// Fields 3 and 22 of /proc/<pid>/stat. The name before them may hold anything, parentheses too.
std::optional<ProcessState> state_of(std::uint32_t process) {
  const std::string text = content_of(fmt::format("/proc/{}/stat", process));
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos || end_of_name + 2 >= text.size()) {
    return std::nullopt;
  }
  ProcessState found{.state = text[end_of_name + 2]};
  std::size_t at = end_of_name + 1;
  for (int field = 3; field < 22; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) {
      return std::nullopt;
    }
  }
  const char* const begin = text.data() + at + 1;
  const auto parsed = std::from_chars(begin, text.data() + text.size(), found.start);
  return parsed.ec == std::errc() ? std::optional(found) : std::nullopt;
}

}  // namespace

ProcessIdentity current_process() {
  const auto number = static_cast<std::uint32_t>(::getpid());
  ProcessIdentity identity{.place = current_place(), .number = number};
  const auto state = state_of(number);
  if (!state) {
    identity.place = {};
  } else {
    identity.start = state->start;
  }
  return identity;
}

bool is_gone(const ProcessIdentity& process) {
  const auto number = static_cast<::pid_t>(process.number);
  if (process.place.is_zero() || number <= 0 || process.place != current_place()) {
    return false;
  }
  if (::kill(number, 0) != 0 && errno == ESRCH) {
    return true;
  }
  // If /proc hides other users' processes, nothing can be concluded.
  const auto state = state_of(process.number);
  return state && (state->start != process.start || state->state == 'Z' || state->state == 'X');
}

}  // namespace cairn::core
