#pragma once

#include <optional>
#include <string>
#include <variant>

#include "arguments.h"

/// The words of commands that look into snapshots, checked and turned into values.
namespace cairn::cli {

/// Fills `choice` from SNAP[:/path], or from a path and --at.
[[nodiscard]] std::optional<UsageError> choose(const std::string& what, const std::string& at,
                                               SnapshotChoice& choice);

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
