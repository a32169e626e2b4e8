#pragma once

#include <memory>
#include <span>
#include <string>
#include <variant>

#include "command_line/repository_options.h"
#include "command_line/usage_error.h"
#include "commands/command.h"

/// The command line as values: parsed and checked before anything is done.
namespace cairn::cli {

struct Invocation {
  GlobalArguments global;
  const CommandSpec* spec = nullptr;
  std::unique_ptr<Command> command;  ///< as `spec` made it; filled and checked
};

/// The user asked for help: print this, and nothing else.
struct HelpText {
  std::string text;
};

using ParsedArguments = std::variant<Invocation, HelpText, UsageError>;

/// Never throws, whatever the words are; names of files may be any bytes.
[[nodiscard]] ParsedArguments parse_arguments(std::span<const std::string> args);

}  // namespace cairn::cli
