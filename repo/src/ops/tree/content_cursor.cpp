#include "ops/tree/content_cursor.h"

#include <utility>

#include "format/node.h"
#include "ops/tree/damaged_node.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

ContentCursor::ContentCursor(CatalogueView view, const Content& content)
    : view_(view), items_(content.items) {
  if (content.tree_root) {
    pending_.push_back({*content.tree_root, content.size_bytes, kTreeDepthMax + 1});
  }
}

core::Result<std::optional<ContentItem>> ContentCursor::next() {
  while (next_item_ == items_.size()) {
    if (pending_.empty()) {
      return std::optional<ContentItem>();
    }
    CAIRN_TRY_STATUS(open_next());
  }
  return std::optional<ContentItem>(items_[next_item_++]);
}

core::Result<std::uint64_t> ContentCursor::skip(std::uint64_t bytes) {
  std::uint64_t skipped = 0;
  while (true) {
    const bool is_run = next_item_ < items_.size();
    if (!is_run && pending_.empty()) {
      return skipped;
    }
    const std::uint64_t length =
        is_run ? items_[next_item_].length_bytes : pending_.back().length_bytes;
    if (length > bytes - skipped) {
      if (is_run) {
        return skipped;
      }
      CAIRN_TRY_STATUS(open_next());
      continue;
    }
    skipped += length;
    if (is_run) {
      next_item_ += 1;
    } else {
      pending_.pop_back();
    }
  }
}

core::Status ContentCursor::open_next() {
  const Pending pending = pending_.back();
  pending_.pop_back();
  const std::size_t depth = pending_.size();
  auto status = open_node(pending);
  if (!status) {
    pending_.resize(depth);  // nothing in a node that contradicts itself counts
    unread_bytes_ = pending.length_bytes;
  }
  return status;
}

// Depth is bounded by the number of levels, breadth by the limit on a node.
core::Status ContentCursor::open_node(const Pending& pending) {
  CAIRN_TRY(const core::Bytes node, read_node(view_, pending.node));
  CAIRN_TRY(const format::NodeType type, in_node(format::node_type(node), pending.node));
  std::uint64_t sum = 0;
  if (type == format::NodeType::list_inner) {
    CAIRN_TRY(const format::ListInner inner,
              in_node(format::decode_list_inner(node), pending.node));
    if (inner.level >= pending.level_below) {
      return core::fail(damaged_node(pending.node, "its level does not fall below its parent's"));
    }
    for (auto child = inner.children.rbegin(); child != inner.children.rend(); ++child) {
      sum += child->length_bytes;
      pending_.push_back({child->node, child->length_bytes, inner.level});
    }
  } else {
    CAIRN_TRY(format::ListLeaf leaf, in_node(format::decode_list_leaf(node), pending.node));
    for (const ContentItem& item : leaf.items) {
      sum += item.length_bytes;
    }
    if (sum == pending.length_bytes) {
      items_ = std::move(leaf.items);
      next_item_ = 0;
    }
  }
  if (sum != pending.length_bytes) {
    return core::fail(damaged_node(pending.node, "its lengths do not add up to its parent's"));
  }
  return {};
}

}  // namespace cairn::repo::ops
