#include "secret_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <istream>
#include <optional>

#include "cairn/core/descriptor.h"

namespace cairn::cli {
namespace {

using core::Descriptor;
using core::ErrorCode;
using core::SecretBytes;
using core::uninterrupted;

/// Reads until `buffer` is full or the end; the number of bytes, or nullopt with errno set.
std::optional<std::size_t> read_until_full(int descriptor, core::MutableByteView buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ::ssize_t count = uninterrupted([&buffer, descriptor, filled] {
      return ::read(descriptor, buffer.data() + filled, buffer.size() - filled);
    });
    if (count < 0) {
      return std::nullopt;
    }
    if (count == 0) {
      break;
    }
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

core::Result<SecretBytes> first_line(core::ByteView text) {
  const auto* const end = std::find(text.begin(), text.end(), std::byte{'\n'}).base();
  const auto size = static_cast<std::size_t>(end - text.data());
  if (size > kPassphraseBytesMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("the passphrase is longer than {} bytes", kPassphraseBytesMax));
  }
  return SecretBytes::copy_of(text.first(size));
}

class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  /// The child writes to `descriptor`, and signals end it although this program handles them.
  void set(int descriptor) {
    ::posix_spawn_file_actions_adddup2(&actions_, descriptor, STDOUT_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &broken_pipe);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  /// 0 or an error number.
  int spawn_shell(const std::string& command, ::pid_t& child) {
    std::array<std::string, 3> words{"sh", "-c", command};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    return ::posix_spawn(&child, "/bin/sh", &actions_, &attributes_, arguments.data(), ::environ);
  }

 private:
  ::posix_spawn_file_actions_t actions_{};
  ::posix_spawnattr_t attributes_{};
};

}  // namespace

core::Result<SecretBytes> read_secret_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(
      uninterrupted([&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  if (file.number() < 0) {
    return core::fail(core::errno_error(errno, "read " + path));
  }
  SecretBytes buffer(bytes_max + 1);
  const auto size = read_until_full(file.number(), buffer.mutable_view());
  if (!size) {
    return core::fail(core::errno_error(errno, "read " + path));
  }
  if (*size > bytes_max) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("{} is longer than {} bytes", path, bytes_max));
  }
  return SecretBytes::copy_of(buffer.view().first(*size));
}

core::Result<SecretBytes> read_secret_line(std::istream& in) {
  SecretBytes buffer(kPassphraseBytesMax + 1);
  std::size_t size = 0;
  int byte = in.get();
  if (byte == std::istream::traits_type::eof()) {
    return core::fail(ErrorCode::io, "read the passphrase from standard input: nothing there");
  }
  while (byte != std::istream::traits_type::eof() && byte != '\n' && size < buffer.size()) {
    buffer.mutable_view()[size++] = static_cast<std::byte>(byte);
    byte = in.get();
  }
  return first_line(buffer.view().first(size));
}

core::Result<SecretBytes> read_secret_from_command(const std::string& command,
                                                   const std::stop_token& stop) {
  constexpr std::string_view kWhat = "run CAIRN_PASSWORD_COMMAND";
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return core::fail(core::errno_error(errno, kWhat));
  }
  const Descriptor reader(ends[0]);
  Descriptor writer(ends[1]);
  SpawnSettings settings;
  settings.set(writer.number());
  ::pid_t child = 0;
  if (const int error_number = settings.spawn_shell(command, child); error_number != 0) {
    return core::fail(core::errno_error(error_number, kWhat));
  }
  writer.close();

  SecretBytes buffer(kPassphraseBytesMax + 1);
  const auto size = read_until_full(reader.number(), buffer.mutable_view());
  const int read_error = errno;
  // Further lines are not ours, but the command shall be able to write them.
  SecretBytes rest(kPassphraseBytesMax);
  while (read_until_full(reader.number(), rest.mutable_view()).value_or(0) > 0) {
  }
  int status = 0;
  const ::pid_t waited = uninterrupted([child, &status] { return ::waitpid(child, &status, 0); });
  if (stop.stop_requested()) {
    return core::fail(ErrorCode::interrupted, "interrupted");
  }
  if (!size) {
    return core::fail(core::errno_error(read_error, kWhat));
  }
  if (waited < 0 || !WIFEXITED(status)) {
    return core::fail(ErrorCode::io, fmt::format("{}: it was killed", kWhat));
  }
  if (WEXITSTATUS(status) != 0) {
    return core::fail(ErrorCode::io,
                      fmt::format("{}: it ended with status {}", kWhat, WEXITSTATUS(status)));
  }
  return first_line(buffer.view().first(*size));
}

}  // namespace cairn::cli
