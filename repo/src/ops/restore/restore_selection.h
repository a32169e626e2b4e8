#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/restore.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/tree_reader.h"

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
[[nodiscard]] core::Result<RestoreSelection> select_sources(CatalogueView view,
                                                            const Snapshot& snapshot,
                                                            const std::string& path);

/// Where it goes: a folder and, for a single object that replaces a file that is there, that one's
/// name in it (else it keeps its own).
struct Destination {
  std::string folder;
  std::string name;
};
/// `target` as in RestoreOptions. Errors: invalid_argument if it is a file and cannot be.
[[nodiscard]] core::Result<Destination> destination_of(const RestoreSelection& selection,
                                                       const std::string& target);

/// Refuses a restore that would restore nothing, for what the options select. What cannot be read
/// counts as selected: it will be told.
[[nodiscard]] core::Status check_selects_anything(CatalogueView view,
                                                  const RestoreSelection& selection,
                                                  const RestoreOptions& options);

/// True if the object at `path`, or something in it, is selected for itself.
[[nodiscard]] bool selects_anything(CatalogueView view, const Entry& entry, const std::string& path,
                                    const RestoreOptions& options);

/// `path` relative to the folder `above` that it lies in.
[[nodiscard]] std::string_view below_path(std::string_view path, std::string_view above);

}  // namespace cairn::repo::ops
