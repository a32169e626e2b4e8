#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "cairn/core/result.h"
#include "command_line/repository_options.h"
#include "command_line/usage_error.h"
#include "context/context.h"
#include "output/exit_code.h"

namespace CLI {
class App;
}

/// A command: name, help, options, and what it does.
namespace cairn::cli {

/// The rest of the command line.
struct CommandLine {
  const GlobalArguments& global;
  std::string_view below;  ///< the name of the subcommand that was given; may be empty
};

/// A command and its typed arguments. The parser declares it, lets CLI11 fill it, and checks it;
/// then it can be run. Not thread-safe.
class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  /// Its options, which refer to this object.
  virtual void declare(CLI::App& /*app*/) {}
  /// Turns the typed words into arguments. A subcommand is checked before the command above it.
  virtual std::optional<UsageError> check(const CommandLine& /*line*/) { return std::nullopt; }
  /// Sets the locations of the repositories that it works with, before anything is asked or done.
  /// By default, that of the options of all commands.
  virtual core::Status locate(Context& context) const;
  /// Does what the arguments say and reports to the console. Returns the exit status; an error has
  /// not been reported yet.
  virtual core::Result<ExitCode> run(Context& context) const = 0;
};

/// A command whose words become a value of this type.
template <class Arguments>
class CommandWith : public Command {
 public:
  [[nodiscard]] const Arguments& arguments() const noexcept { return arguments_; }

 protected:
  Arguments arguments_;
};

/// What --json makes of standard output.
enum class JsonForm : std::uint8_t {
  one_object,  ///< whatever the size of the repository
  lines,       ///< each with a "type"
};

struct CommandSpec {
  std::string_view name;      ///< "backup", "key add"
  std::string_view summary;   ///< one line
  std::string_view details;   ///< paragraphs; may be empty
  std::string_view examples;  ///< lines that begin with two spaces
  JsonForm json = JsonForm::one_object;
  std::unique_ptr<Command> (*make)() = nullptr;  ///< none: only a name for its subcommands
};

template <class Type>
std::unique_ptr<Command> make_command() {
  return std::make_unique<Type>();
}

}  // namespace cairn::cli
