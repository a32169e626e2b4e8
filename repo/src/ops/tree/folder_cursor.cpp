#include "ops/tree/folder_cursor.h"

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "ops/tree/damaged_node.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

FolderCursor::FolderCursor(CatalogueView view, const ChunkId& root) : view_(view) {
  pieces_.push_back({root, std::string(), kTreeDepthMax + 1});
}

core::Result<std::optional<Entry>> FolderCursor::next() {
  while (entry() == nullptr) {
    if (pieces_.empty()) {
      return std::optional<Entry>();
    }
    CAIRN_TRY_STATUS(open_piece());
  }
  return std::optional<Entry>(std::move(leaf_[next_in_leaf_++]));
}

core::Status FolderCursor::seek(std::string_view name) {
  while (piece() != nullptr && piece()->first_name <= name) {
    // A name at or after the first name of the following piece is in that piece.
    if (pieces_.size() > 1 && pieces_[pieces_.size() - 2].first_name <= name) {
      skip_piece();
    } else {
      CAIRN_TRY_STATUS(open_piece());
    }
  }
  const auto first = std::ranges::lower_bound(
      leaf_.begin() + static_cast<std::ptrdiff_t>(next_in_leaf_), leaf_.end(), name,
      std::ranges::less{}, [](const Entry& each) -> std::string_view { return each.name; });
  next_in_leaf_ = static_cast<std::size_t>(first - leaf_.begin());
  return {};
}

core::Result<std::optional<Entry>> FolderCursor::find(std::string_view name) {
  CAIRN_TRY_STATUS(seek(name));
  return entry() != nullptr && entry()->name == name ? std::optional(take())
                                                     : std::optional<Entry>();
}

const Entry* FolderCursor::entry() const noexcept {
  return next_in_leaf_ < leaf_.size() ? &leaf_[next_in_leaf_] : nullptr;
}

const FolderCursor::Piece* FolderCursor::piece() const noexcept {
  return entry() == nullptr && !pieces_.empty() ? &pieces_.back() : nullptr;
}

Entry FolderCursor::take() {
  Expects(entry() != nullptr);
  return std::move(leaf_[next_in_leaf_++]);
}

void FolderCursor::skip_piece() {
  Expects(piece() != nullptr);
  any_ = true;
  last_name_ = std::move(pieces_.back().first_name);
  pieces_.pop_back();
}

core::Status FolderCursor::open_piece() {
  Expects(piece() != nullptr);
  const Piece opened = std::move(pieces_.back());
  pieces_.pop_back();
  leaf_.clear();
  next_in_leaf_ = 0;
  const bool is_whole = opened.level_below > kTreeDepthMax;
  CAIRN_TRY(const core::Bytes node, read_node(view_, opened.node));
  CAIRN_TRY(const format::NodeType type, in_node(format::node_type(node), opened.node));
  if (type == format::NodeType::folder_inner) {
    CAIRN_TRY(format::FolderInner inner, in_node(format::decode_folder_inner(node), opened.node));
    if (inner.level >= opened.level_below) {
      return core::fail(damaged_node(opened.node, "its level does not fall below its parent's"));
    }
    if (!is_whole && inner.children.front().first_name != opened.first_name) {
      return core::fail(damaged_node(opened.node, "its first name is not its parent's"));
    }
    for (auto child = inner.children.rbegin(); child != inner.children.rend(); ++child) {
      pieces_.push_back({child->node, std::move(child->first_name), inner.level});
    }
    return {};
  }
  CAIRN_TRY(format::FolderLeaf leaf, in_node(format::decode_folder_leaf(node), opened.node));
  if (leaf.entries.empty()) {
    return is_whole
               ? core::Status()
               : core::Status(core::fail(damaged_node(opened.node, "an empty leaf in a tree")));
  }
  if (!is_whole && leaf.entries.front().name != opened.first_name) {
    return core::fail(damaged_node(opened.node, "its first name is not its parent's"));
  }
  if (any_ && leaf.entries.front().name <= last_name_) {
    return core::fail(damaged_node(opened.node, "its names do not follow those before it"));
  }
  any_ = true;
  last_name_ = leaf.entries.back().name;
  leaf_ = std::move(leaf.entries);
  return {};
}

}  // namespace cairn::repo::ops
