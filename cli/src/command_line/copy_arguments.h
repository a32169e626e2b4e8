#pragma once

#include <optional>
#include <string>

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"

namespace CLI {
class App;
}

/// The words of copy, checked and turned into values.
namespace cairn::cli {

struct TypedCopy {
  CopyArguments checked;  ///< what needs no check is put here at once
  TypedFilter filter;
  std::string latest;
  std::vector<std::string> policies;
  std::string compression = "default";
};
/// Declares --from-repo and what opens that repository; `from` must outlive the app.
void add_from(CLI::App& command, FromArguments& from, const char* help);
[[nodiscard]] std::optional<UsageError> check_from(const FromArguments& from);

/// "3": nullopt if it is no number from 1 on.
[[nodiscard]] std::optional<std::uint64_t> parse_latest_count(std::string_view text);

/// Declares the command; `typed` must outlive the app.
void add_copy(CLI::App& app, TypedCopy& typed);
[[nodiscard]] CheckedArguments copy_values(TypedCopy& typed);

}  // namespace cairn::cli
