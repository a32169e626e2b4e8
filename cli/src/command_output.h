#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/descriptor.h"
#include "cairn/core/result.h"

namespace cairn::cli {

/// What a program writes to its standard output, read through a pipe while it runs. Not
/// thread-safe. Destroyed before finish(), it ends the program.
class CommandOutput {
 public:
  /// Starts words[0], found by PATH, with the words as its arguments. It keeps standard input and
  /// standard error. Errors: io (cannot be started).
  [[nodiscard]] static core::Result<std::unique_ptr<CommandOutput>> start(
      std::vector<std::string> words);
  ~CommandOutput();
  CommandOutput(const CommandOutput&) = delete;
  CommandOutput& operator=(const CommandOutput&) = delete;

  /// Fills `out`; fewer bytes only at the end. Errors: io.
  [[nodiscard]] core::Result<std::size_t> read(core::MutableByteView out);
  /// Waits for the end. Errors: io if it ended with another exit code than 0, or by a signal.
  core::Status finish();

 private:
  CommandOutput(std::string name, pid_t process, core::Descriptor pipe)
      : name_(std::move(name)), process_(process), pipe_(std::move(pipe)) {}

  std::string name_;
  pid_t process_;
  core::Descriptor pipe_;
};

}  // namespace cairn::cli
