#include "ops/restore_selection.h"

#include <fmt/format.h>

#include <utility>

namespace cairn::repo::ops {

core::Result<RestoreSelection> select_sources(State& state, const Snapshot& snapshot,
                                              const std::string& path) {
  RestoreSelection selection;
  selection.above = "/";
  if (!path.empty()) {
    CAIRN_TRY(Located located, locate(state, snapshot, path));
    if (located.source != nullptr) {
      selection.located = std::move(located);
      return selection;
    }
    selection.above = std::move(located.path);
  }
  for (const Source& source : snapshot.sources) {
    if (selection.above == "/" || source.path.starts_with(selection.above + '/')) {
      selection.sources.push_back(&source);
    }
  }
  return selection;
}

std::string_view below_path(std::string_view path, std::string_view above) {
  path.remove_prefix(above == "/" ? 1 : above.size() + 1);
  return path;
}

}  // namespace cairn::repo::ops
