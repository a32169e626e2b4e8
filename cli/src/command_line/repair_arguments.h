#pragma once

#include <string>
#include <vector>

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"

namespace CLI {
class App;
}

/// The words of repair, rewrite and stats, checked and turned into values.
namespace cairn::cli {

struct TypedRepair {
  RepairObjectsArguments objects;
  RepairIndexArguments index;
  RepairPacksArguments packs;
  RewriteArguments snapshots;
  RewriteArguments rewrite;
  TypedFilter snapshots_filter;
  TypedFilter rewrite_filter;
};
/// Declares `repair index`, `repair packs` and `repair snapshots`; `typed` must outlive the app.
void add_repair(CLI::App& app, TypedRepair& typed);
/// Declares the command; `typed` must outlive the app.
void add_rewrite(CLI::App& app, TypedRepair& typed);
/// `verb` is the command below repair.
[[nodiscard]] CheckedArguments repair_values(TypedRepair& typed, const std::string& verb);
[[nodiscard]] CheckedArguments rewrite_values(TypedRepair& typed);

}  // namespace cairn::cli
