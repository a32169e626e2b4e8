#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"

namespace CLI {
class App;
}

/// The words of commands that look into snapshots, checked and turned into values. What a Typed...
/// holds must outlive the app that it was declared to.
namespace cairn::cli {

/// Which snapshot: SNAP[:/path], or a path and --at.
struct TypedChoice {
  std::string what;
  std::string at;
  TypedFilter filter;
};
void add_choice(CLI::App& command, TypedChoice& typed, const char* description);
[[nodiscard]] std::optional<UsageError> choose(const TypedChoice& typed, SnapshotChoice& choice);

/// Fills `moment`, if something was typed.
[[nodiscard]] std::optional<UsageError> take_moment(std::string_view option,
                                                    const std::string& text,
                                                    std::optional<Moment>& moment);

struct TypedLs {
  LsArguments checked;  ///< what needs no check is put here at once
  TypedChoice choice;
};
void add_ls(CLI::App& app, TypedLs& typed);
[[nodiscard]] CheckedArguments ls_values(TypedLs& typed, bool json);

struct TypedDump {
  DumpArguments checked;
  TypedChoice choice;
  std::string format;
};
void add_dump(CLI::App& app, TypedDump& typed);
[[nodiscard]] CheckedArguments dump_values(TypedDump& typed);

struct TypedFind {
  FindArguments checked;
  TypedFilter filter;
  std::string newer;
  std::string older;
  std::string larger;
  std::string smaller;
  std::string type;
};
void add_find(CLI::App& app, TypedFind& typed);
[[nodiscard]] CheckedArguments find_values(TypedFind& typed);

struct TypedDiff {
  DiffArguments checked;
  TypedFilter filter;
  std::string before;
  std::string after;
};
void add_diff(CLI::App& app, TypedDiff& typed);
[[nodiscard]] CheckedArguments diff_values(TypedDiff& typed);

}  // namespace cairn::cli
