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

/// Which part of a snapshot is restored, and where in the target it goes.
namespace cairn::repo::ops {

struct RestoreSelection {
  /// One object inside a source: a folder's contents, or a file, go into the target itself.
  std::optional<Located> located;
  /// Otherwise whole sources, each under its path below `above`.
  std::vector<const Source*> sources;
  std::string above;  ///< absolute
};
/// `path` as in RestoreOptions. The result points into the snapshot. Errors: as locate().
[[nodiscard]] core::Result<RestoreSelection> select_sources(CatalogueView view,
                                                            const Snapshot& snapshot,
                                                            const std::string& path);

/// Where it goes: a folder and, for a single object that replaces an existing file, the name of
/// that file (otherwise the object keeps its own).
struct Destination {
  std::string folder;
  std::string name;
};
/// `target` as in RestoreOptions. Errors: invalid_argument if it is a file but cannot be.
[[nodiscard]] core::Result<Destination> destination_of(const RestoreSelection& selection,
                                                       const std::string& target);

/// Refuses a restore if the options select nothing. Unreadable parts count as selected: they will
/// be reported.
[[nodiscard]] core::Status check_selects_anything(CatalogueView view,
                                                  const RestoreSelection& selection,
                                                  const RestoreOptions& options);

/// True if the object at `path`, or something in it, is selected itself.
[[nodiscard]] bool selects_anything(CatalogueView view, const Entry& entry, const std::string& path,
                                    const RestoreOptions& options);

/// `path` relative to the folder `above`, which contains it.
[[nodiscard]] std::string_view below_path(std::string_view path, std::string_view above);

}  // namespace cairn::repo::ops
