#pragma once

#include <memory>
#include <stop_token>

#include "cairn/repo/environment.h"
#include "io/streams.h"

namespace cairn::cli {

/// Which standard streams were closed when the program started.
struct ClosedStreams {
  bool in = false;
  bool out = false;
  bool err = false;
};
/// Opens something in place of standard streams that are closed, before the first file is opened,
/// which would otherwise get their numbers, and be read and written as if it were them. Reading and
/// writing them still fails, as before. Must be called before everything else.
ClosedStreams occupy_closed_streams();

/// The real streams: standard streams, the terminal, and `system`.
class SystemStreams {
 public:
  SystemStreams(const repo::Environment& system, std::stop_token stop);
  SystemStreams(const SystemStreams&) = delete;
  SystemStreams& operator=(const SystemStreams&) = delete;
  ~SystemStreams();

  [[nodiscard]] Streams& streams() noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Asks on the terminal of this process, even if standard input is something else.
/// Errors: not_found (no terminal), interrupted, io.
[[nodiscard]] core::Result<core::SecretBytes> ask_on_terminal(std::string_view prompt,
                                                              const std::stop_token& stop);

/// Asks a question on the terminal of this process; "y" and "yes" mean yes. Errors: as above.
[[nodiscard]] core::Result<bool> confirm_on_terminal(std::string_view question,
                                                     const std::stop_token& stop);

}  // namespace cairn::cli
