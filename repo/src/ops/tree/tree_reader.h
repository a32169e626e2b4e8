#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "format/node.h"
#include "ops/repository/catalogue_view.h"

/// Reading what a snapshot recorded: folders entry by entry, content lists run by run.
///
/// A hostile repository cannot make these recurse or allocate without bound: levels must fall from
/// parent to child, names must ascend over the whole folder, sums must agree.
namespace cairn::repo::ops {

/// Fetches one node; the error says what is wrong with it. Errors: not_found, corrupt,
/// not_permitted, io; the message names the node.
[[nodiscard]] core::Result<core::Bytes> read_node(CatalogueView view, const ChunkId& id);

/// Entries of one folder in name order, leaf by leaf. Not thread-safe. Memory: one leaf and the
/// inner nodes above it.
class FolderReader {
 public:
  FolderReader(CatalogueView view, const ChunkId& root);

  /// The next entry; nullopt at the end. After an error the reader is behind the node that could
  /// not be read: call next() again to continue with the rest.
  [[nodiscard]] core::Result<std::optional<Entry>> next();

 private:
  struct Level {
    std::vector<format::FolderChild> children;
    std::size_t next = 0;
    unsigned level = 0;
  };
  core::Status descend();
  core::Status open_node(const ChunkId& id, unsigned level_below);

  CatalogueView view_;
  std::vector<Level> path_;
  std::vector<Entry> leaf_;
  std::size_t next_in_leaf_ = 0;
  std::optional<ChunkId> root_;
  std::string last_name_;
  bool any_ = false;
};

/// One entry of a folder by name, reading only the nodes on the way to it.
[[nodiscard]] core::Result<std::optional<Entry>> find_in_folder(CatalogueView view,
                                                                const ChunkId& root,
                                                                std::string_view name);

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
