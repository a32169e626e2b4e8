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

/// What a command is: a name and help, options, and what it does.
namespace cairn::cli {

/// What else stands on the command line.
struct CommandLine {
  const GlobalArguments& global;
  std::string_view below;  ///< the name of the command that was given below this one; may be empty
};

/// A command with what was typed behind it. The parser declares it, has the words fill it, and
/// checks it; then it can be run. Not thread-safe.
class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  /// Its options, which refer to this object.
  virtual void declare(CLI::App& /*app*/) {}
  /// Turns the words into arguments. Of a command below another one, that one is checked first.
  virtual std::optional<UsageError> check(const CommandLine& /*line*/) { return std::nullopt; }
  /// Where the repositories lie that it works with, before anything is asked or done: the one that
  /// is named for every command, if it does not say otherwise.
  virtual core::Status locate(Context& context) const;
  /// Does what the arguments say and tells the console. The answer is the exit status; an error has
  /// not been told yet.
  virtual core::Result<ExitCode> run(Context& context) const = 0;
};

/// One whose words become a value of this type.
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
  lines,       ///< each of which has a "type"
};

struct CommandSpec {
  std::string_view name;      ///< "backup", "key add"
  std::string_view summary;   ///< one line
  std::string_view details;   ///< paragraphs; may be empty
  std::string_view examples;  ///< lines that begin with two blanks
  JsonForm json = JsonForm::one_object;
  std::unique_ptr<Command> (*make)() = nullptr;  ///< none: it is only a name for those below it
};

template <class Type>
std::unique_ptr<Command> make_command() {
  return std::make_unique<Type>();
}

}  // namespace cairn::cli
