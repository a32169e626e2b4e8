#pragma once

#include <optional>
#include <string>

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"
#include "command_line/mark_arguments.h"

namespace CLI {
class App;
}

/// The words of snapshots, checked and turned into values.
namespace cairn::cli {

struct TypedSnapshots {
  SnapshotsArguments checked;
  TypedFilter filter;
  std::string latest;
  std::optional<std::string> group_by;
  bool compact = false;
  bool long_table = false;
  TypedMarks pins;
};
/// Declares `snapshots` and the commands below it; `typed` must outlive the app.
void add_snapshots(CLI::App& app, TypedSnapshots& typed);
[[nodiscard]] CheckedArguments snapshots_values(TypedSnapshots& typed, const CLI::App& command);

}  // namespace cairn::cli
