#pragma once

#include <sys/types.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/descriptor.h"
#include "cairn/core/result.h"
#include "io/stop_wake.h"

namespace cairn::cli {

/// Another program, whose standard output is read through a pipe while it runs. It keeps our
/// standard input and standard error, inherits no other descriptor, and gets default signal
/// handling: none blocked, SIGPIPE and SIGXFSZ end it.
///
/// It is in a process group of its own, so that everything it started ends with it. Only in the
/// foreground of a terminal it stays in ours, since it may have to ask the user there, and Ctrl-C
/// reaches it anyway. Not thread-safe.
class ChildProgram {
 public:
  /// Starts words[0], found by PATH, with the other words as its arguments. `name` is for messages.
  /// read() and finish() end with `interrupted` as soon as `stop` is requested. Errors: not_found,
  /// permission_denied, io (it cannot be started).
  [[nodiscard]] static core::Result<std::unique_ptr<ChildProgram>> start(
      std::string name, std::vector<std::string> words, const std::stop_token& stop);
  /// Ends the program if it still runs: by SIGTERM, and by SIGKILL after `grace_ms`.
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  /// How long it may take to end after SIGTERM.
  void set_grace(int grace_ms) noexcept { grace_ms_ = grace_ms; }

  /// Fills `out`; fewer bytes only at the end. Errors: io, interrupted.
  [[nodiscard]] core::Result<std::size_t> read(core::MutableByteView out);
  /// Stops reading and waits for the end. Errors: io if it ended with an exit code other than 0, or
  /// by a signal, which is named; interrupted.
  core::Status finish();

 private:
  ChildProgram(std::string name, pid_t process, bool own_group, core::Descriptor pipe,
               std::unique_ptr<StopWake> wake);
  void signal_it(int signal) const noexcept;
  /// Waits up to that time; true if it has ended. Does not reap it.
  [[nodiscard]] bool has_ended_within(int milliseconds) const noexcept;
  [[nodiscard]] core::Status judge(int status) const;

  std::string name_;
  pid_t process_;  ///< -1: was waited for
  bool own_group_;
  core::Descriptor pipe_;
  std::unique_ptr<StopWake> wake_;
  int grace_ms_ = 2000;
};

}  // namespace cairn::cli
