#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "format/node.h"
#include "ops/repository/catalogue_view.h"

/// Reading what a snapshot recorded: nodes, contents run by run, objects by their paths.
///
/// A hostile repository cannot make these recurse or allocate without bound: FolderCursor and
/// ContentCursor check how nodes fit together.
namespace cairn::repo::ops {

/// Fetches one node; the error says what is wrong with it. Errors: not_found, corrupt,
/// not_permitted, io; the message names the node.
[[nodiscard]] core::Result<core::Bytes> read_node(CatalogueView view, const ChunkId& id);

/// Visits the runs of a content in order with their offsets. Errors: as read_node, or what `visit`
/// returns.
core::Status for_each_item(
    CatalogueView view, const Content& content,
    const std::function<core::Status(std::uint64_t offset, const ContentItem& item)>& visit);

/// The entry of a source itself.
[[nodiscard]] core::Result<Entry> read_root(CatalogueView view, const Source& source);

/// What an absolute path refers to in a snapshot: an object inside a source, or a folder above
/// sources that was not recorded itself.
struct Located {
  const Source* source = nullptr;  ///< nullptr: a folder above sources
  std::string path;                ///< normalised, absolute
  Entry entry;                     ///< of the object; its name is the last component
};
/// Errors: not_found (names the deepest part that exists), as read_node.
[[nodiscard]] core::Result<Located> locate(CatalogueView view, const Snapshot& snapshot,
                                           std::string_view path);

/// The same, but nullopt if the path does not exist; a missing node is still not_found.
[[nodiscard]] core::Result<std::optional<Located>> locate_if_there(CatalogueView view,
                                                                   const Snapshot& snapshot,
                                                                   std::string_view path);

/// "/a//b/./c/" -> "/a/b/c"; ".." is refused (invalid_argument), as is a path that is not absolute.
[[nodiscard]] core::Result<std::string> normal_path(std::string_view path);

/// Joins with one '/', also if the folder is "/".
[[nodiscard]] std::string join_path(std::string_view folder, std::string_view name);

}  // namespace cairn::repo::ops
