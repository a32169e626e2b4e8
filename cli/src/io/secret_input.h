#pragma once

#include <cstddef>
#include <iosfwd>
#include <stop_token>
#include <string>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/core/secret.h"

/// Secrets from outside. Each is read directly into memory that is wiped.
namespace cairn::cli {

inline constexpr std::size_t kPassphraseBytesMax = 4096;

/// The bytes of a file, a FIFO or a device, at most `bytes_max`. Errors: not_found,
/// permission_denied, io; limit_exceeded if there are more.
[[nodiscard]] core::Result<core::SecretBytes> read_secret_file(const std::string& path,
                                                               std::size_t bytes_max);

/// True for a file that users who neither own it nor belong to its group may read or write.
[[nodiscard]] bool is_open_to_all(const std::string& path);

/// A line without what editors on Windows put around it: a UTF-8 byte order mark before it, a
/// carriage return after it. Nobody means these when typing the same passphrase.
[[nodiscard]] core::ByteView without_windows_marks(core::ByteView line);

/// The first line, without its end. Errors: limit_exceeded, io (nothing there to read).
[[nodiscard]] core::Result<core::SecretBytes> read_secret_line(std::istream& in);

/// The first line that `/bin/sh -c command` prints, without its end. The command keeps standard
/// input and standard error. Errors: io (cannot be started, or ends with another status than 0),
/// limit_exceeded, interrupted.
[[nodiscard]] core::Result<core::SecretBytes> read_secret_from_command(const std::string& command,
                                                                       const std::stop_token& stop);

}  // namespace cairn::cli
