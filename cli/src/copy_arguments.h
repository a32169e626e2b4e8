#pragma once

#include <optional>
#include <string>

#include "arguments.h"

namespace CLI {
class App;
}

/// The words of copy, checked and turned into values.
namespace cairn::cli {

struct TypedCopy {
  CopyArguments checked;  ///< what needs no check is put here at once
  std::string latest;
  std::vector<std::string> policies;
  std::string compression = "default";
};
/// Declares --from-repo and what opens that repository; `from` must outlive the app.
void add_from(CLI::App& command, FromArguments& from, const char* help);
[[nodiscard]] std::optional<UsageError> check_from(const FromArguments& from);

/// Declares the command; `typed` must outlive the app.
void add_copy(CLI::App& app, TypedCopy& typed);
[[nodiscard]] CheckedArguments copy_values(TypedCopy& typed);

}  // namespace cairn::cli
