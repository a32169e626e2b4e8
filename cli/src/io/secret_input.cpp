#include "io/secret_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <istream>
#include <optional>

#include "cairn/core/descriptor.h"
#include "io/child_program.h"

namespace cairn::cli {
namespace {

using core::Descriptor;
using core::ErrorCode;
using core::SecretBytes;
using core::uninterrupted;

/// Reads until `buffer` is full or the input ends; the number of bytes, or nullopt with errno set.
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
  return SecretBytes::copy_of(without_windows_marks(text.first(size)));
}

}  // namespace

core::ByteView without_windows_marks(core::ByteView line) {
  constexpr std::array kByteOrderMark{std::byte{0xEF}, std::byte{0xBB}, std::byte{0xBF}};
  if (line.size() >= kByteOrderMark.size() &&
      core::equal(line.first(kByteOrderMark.size()), kByteOrderMark)) {
    line = line.subspan(kByteOrderMark.size());
  }
  return !line.empty() && line.back() == std::byte{'\r'} ? line.first(line.size() - 1) : line;
}

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

bool is_open_to_all(const std::string& path) {
  constexpr ::mode_t kOthersReadOrWrite = 06;
  struct ::stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         (info.st_mode & kOthersReadOrWrite) != 0;
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
  CAIRN_TRY(const auto child,
            ChildProgram::start("CAIRN_PASSWORD_COMMAND", {"/bin/sh", "-c", command}, stop));
  SecretBytes buffer(kPassphraseBytesMax + 1);
  CAIRN_TRY(const std::size_t size, child->read(buffer.mutable_view()));
  // We need no further lines, but the command must be able to write them.
  SecretBytes rest(kPassphraseBytesMax);
  for (std::size_t more = size; more > 0;) {
    CAIRN_TRY(more, child->read(rest.mutable_view()));
  }
  CAIRN_TRY_STATUS(child->finish());
  return first_line(buffer.view().first(size));
}

}  // namespace cairn::cli
