#pragma once

#include <string>
#include <string_view>

namespace cairn::cli {

/// What `cairn help COMMAND` says besides the list of options.
struct CommandHelp {
  std::string_view name;      ///< "backup", "key add"
  std::string_view summary;   ///< one line
  std::string_view details;   ///< paragraphs; may be empty
  std::string_view examples;  ///< lines that begin with two blanks
};

/// Requires a name that exists.
[[nodiscard]] const CommandHelp& command_help(std::string_view name);

/// Details and examples as they stand below the options.
[[nodiscard]] std::string help_footer(const CommandHelp& help);

/// What stands below the list of commands: the environment and the exit codes.
[[nodiscard]] std::string_view program_footer();

}  // namespace cairn::cli
