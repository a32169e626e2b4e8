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
/// Puts something in the place of standard streams that are closed, before the first file is
/// opened: it would get their numbers, and be read and written in their stead. Reading and writing
/// them fails afterwards, as it did before. Call it before everything else.
ClosedStreams occupy_closed_streams();

/// The real world: standard streams, the terminal, and `system`.
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

/// Asks a question on the terminal of this process; yes is "y" or "yes". Errors: as above.
[[nodiscard]] core::Result<bool> confirm_on_terminal(std::string_view question,
                                                     const std::stop_token& stop);

}  // namespace cairn::cli
