#pragma once

#include <string>
#include <vector>

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"

namespace CLI {
class App;
}

/// The words of tag and of snapshots pin, turned into values.
namespace cairn::cli {

struct TypedMarks {
  std::vector<std::string> tags;
  std::vector<std::string> snapshots;
  TypedFilter filter;
};
/// Declares `tag add` and `tag remove`; `typed` must outlive the app.
void add_tag(CLI::App& app, TypedMarks& typed);
/// Declares `pin` and `unpin` below `snapshots`; `typed` must outlive the app.
void add_pins(CLI::App& snapshots, TypedMarks& typed);
/// `verb` is the command below tag.
[[nodiscard]] CheckedArguments tag_values(TypedMarks& typed, const std::string& verb);
/// `verb` is the command below snapshots.
[[nodiscard]] CheckedArguments pin_values(TypedMarks& typed, const std::string& verb);

}  // namespace cairn::cli
