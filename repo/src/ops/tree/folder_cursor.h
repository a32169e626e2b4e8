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

/// Reads a folder in name order like FolderReader, but opens its nodes only on request, so that two
/// folders can be compared without reading the nodes they share. Not thread-safe. Memory: one leaf
/// and the inner nodes above it.
class FolderCursor {
 public:
  FolderCursor(CatalogueView view, const ChunkId& root);

  /// A node of the folder that has not been opened.
  struct Piece {
    ChunkId node;
    std::string first_name;    ///< smallest name in it; empty for the whole folder
    unsigned level_below = 0;  ///< its level is below this
  };

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
