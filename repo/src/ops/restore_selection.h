#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/state.h"
#include "ops/tree_reader.h"

/// What of a snapshot a restore is about, and where in the target that goes.
namespace cairn::repo::ops {

struct RestoreSelection {
  /// One object inside a source: a folder's contents, or a file, go into the target itself.
  std::optional<Located> located;
  /// Else whole sources, each under its path below `above`.
  std::vector<const Source*> sources;
  std::string above;  ///< absolute
};
/// `path` as in RestoreOptions. The answer points into the snapshot. Errors: as locate().
[[nodiscard]] core::Result<RestoreSelection> select_sources(State& state, const Snapshot& snapshot,
                                                            const std::string& path);

/// `path` relative to the folder `above` that it lies in.
[[nodiscard]] std::string_view below_path(std::string_view path, std::string_view above);

}  // namespace cairn::repo::ops
