#pragma once

#include <string>
#include <variant>

#include "arguments.h"

/// The words of find and diff, checked and turned into values.
namespace cairn::cli {

using CheckedArguments = std::variant<CommandArguments, UsageError>;

struct TypedFind {
  FindArguments checked;  ///< what needs no check is put here at once
  std::string newer;
  std::string older;
  std::string larger;
  std::string smaller;
  std::string type;
};
[[nodiscard]] CheckedArguments find_values(TypedFind& typed);

struct TypedDiff {
  DiffArguments checked;
  std::string before;
  std::string after;
};
[[nodiscard]] CheckedArguments diff_values(TypedDiff& typed);

}  // namespace cairn::cli
