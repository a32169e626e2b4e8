#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "format/node.h"
#include "ops/repository/catalogue_view.h"

namespace cairn::repo::ops {

/// The entries of one folder in name order. Its nodes are opened only on request, so that two
/// folders can be compared without reading the pieces they share.
///
/// The one place where nodes of folders are checked against each other, so that a hostile
/// repository cannot make a reader go in circles, or show a folder in two ways: levels fall from
/// parent to child, a child begins with the name that its parent says, names ascend over the whole
/// folder. Not thread-safe. Memory: one leaf and the inner nodes above it.
class FolderCursor {
 public:
  FolderCursor(CatalogueView view, const ChunkId& root);

  /// A node of the folder that has not been opened.
  struct Piece {
    ChunkId node;
    std::string first_name;    ///< smallest name in it; empty for the whole folder
    unsigned level_below = 0;  ///< its level is below this
  };

  /// The next entry; nullopt at the end. After an error the cursor is behind the node that could
  /// not be read: call next() again to continue with the rest. Errors: as read_node.
  [[nodiscard]] core::Result<std::optional<Entry>> next();
  /// Skips all smaller names, so that next() returns the first that is not smaller. Of what is
  /// skipped only the nodes on the way there are read. Errors: as read_node.
  core::Status seek(std::string_view name);
  /// The entry of that name, reading only the nodes on the way to it. Precondition: nothing was
  /// taken or opened. Errors: as read_node.
  [[nodiscard]] core::Result<std::optional<Entry>> find(std::string_view name);

  /// What comes next: an entry, a piece, or neither at the end.
  [[nodiscard]] const Entry* entry() const noexcept;
  [[nodiscard]] const Piece* piece() const noexcept;

  /// Precondition: entry().
  [[nodiscard]] Entry take();
  /// Precondition: piece(). Errors: as read_node.
  core::Status open_piece();
  /// Precondition: piece().
  void skip_piece();

 private:
  CatalogueView view_;
  std::vector<Piece> pieces_;  ///< what is left; the next one is the last
  std::vector<Entry> leaf_;
  std::size_t next_in_leaf_ = 0;
  std::string last_name_;
  bool any_ = false;
};

}  // namespace cairn::repo::ops
