#include "ops/tree/node_builder.h"

#include <gsl/gsl>
#include <utility>

#include "cairn/core/crypto.h"

namespace cairn::repo::ops {

namespace {

// Averages that keep a changed entry cheap: a leaf of about 128 entries has 10 to 15 KiB, one of 32
// references about 1.1 KiB. References are incompressible and one changed page rewrites its leaf,
// so list leaves are smaller.
constexpr std::uint64_t kLeafEntriesAverage = 128;
constexpr std::size_t kLeafEntriesMax = 1024;
constexpr std::size_t kLeafBytesMax = 256 * 1024;
constexpr std::uint64_t kInnerChildrenAverage = 64;
constexpr unsigned kListItemsAverage = 32;
constexpr std::size_t kListItemsMax = 256;

bool list_ends(const ChunkId& id) noexcept {
  return std::to_integer<unsigned>(id.view()[0]) % kListItemsAverage == 0;
}

}  // namespace

FolderBuilder::FolderBuilder(NodeSink& sink, core::ByteView split_key, OnLeaf on_leaf)
    : sink_(sink),
      split_key_(split_key),
      on_leaf_(std::move(on_leaf)),
      levels_(
          [this](std::uint8_t level,
                 std::vector<format::FolderChild> children) -> core::Result<format::FolderChild> {
            format::FolderChild parent;
            parent.first_name = children.front().first_name;
            for (const auto& child : children) {
              parent.entries += child.entries;
            }
            CAIRN_TRY(const core::Bytes encoded,
                      format::encode_folder_inner({level, std::move(children)}));
            CAIRN_TRY(parent.node, sink_.put_node(encoded));
            return parent;
          },
          [this](std::uint8_t level, const format::FolderChild& last) {
            core::Bytes input;
            input.reserve(1 + last.first_name.size());
            input.push_back(static_cast<std::byte>(level));
            core::append(input, core::as_view(last.first_name));
            return core::short_hash(split_key_, input) % kInnerChildrenAverage == 0;
          }) {
  Expects(split_key.size() == 16);
}

core::Status FolderBuilder::add(Entry entry) {
  totals_.entries_below += 1;
  if (entry.type == EntryType::folder) {
    totals_.entries_below += entry.folder.entries_below;
    totals_.bytes_below += entry.folder.bytes_below;
  } else if (entry.type == EntryType::file) {
    totals_.bytes_below += entry.content.size_bytes;
  }
  const bool ends =
      core::short_hash(split_key_, core::as_view(entry.name)) % kLeafEntriesAverage == 0;
  leaf_bytes_ += format::entry_size_bound(entry);
  leaf_.entries.push_back(std::move(entry));
  if (ends || leaf_.entries.size() >= kLeafEntriesMax || leaf_bytes_ >= kLeafBytesMax) {
    return write_leaf();
  }
  return {};
}

core::Status FolderBuilder::write_leaf() {
  format::FolderChild child;
  if (!leaf_.entries.empty()) {
    child.first_name = leaf_.entries.front().name;
  }
  child.entries = leaf_.entries.size();
  CAIRN_TRY(const core::Bytes encoded, format::encode_folder_leaf(leaf_));
  CAIRN_TRY(child.node, sink_.put_node(encoded));
  if (on_leaf_) {
    CAIRN_TRY_STATUS(on_leaf_(encoded, leaf_.entries.size()));
  }
  leaf_.entries.clear();
  leaf_bytes_ = 0;
  return levels_.add(std::move(child));
}

core::Result<FolderContent> FolderBuilder::finish() {
  if (!leaf_.entries.empty() || levels_.empty()) {
    CAIRN_TRY_STATUS(write_leaf());  // an empty folder is one empty leaf
  }
  CAIRN_TRY(const format::FolderChild root, levels_.finish());
  totals_.node = root.node;
  return totals_;
}

ContentBuilder::ContentBuilder(NodeSink& sink)
    : sink_(sink),
      levels_(
          [this](std::uint8_t level,
                 std::vector<format::ListChild> children) -> core::Result<format::ListChild> {
            format::ListChild parent;
            for (const auto& child : children) {
              parent.length_bytes += child.length_bytes;
            }
            CAIRN_TRY(const core::Bytes encoded,
                      format::encode_list_inner({level, std::move(children)}));
            CAIRN_TRY(parent.node, sink_.put_node(encoded));
            return parent;
          },
          [](std::uint8_t /*level*/, const format::ListChild& last) {
            return list_ends(last.node);
          }) {}

core::Status ContentBuilder::add(ContentItem item) {
  Expects(item.length_bytes > 0);
  size_bytes_ += item.length_bytes;
  // A hole reported in two pieces is one hole: the list must not depend on how the file was read.
  if (!item.chunk && !items_.empty() && !items_.back().chunk) {
    items_.back().length_bytes += item.length_bytes;
    return {};
  }
  // Leaves end only after data, so that no leaf can begin with the rest of a hole.
  const bool is_data = item.chunk.has_value();
  const bool ends_here = is_data && list_ends(*item.chunk);
  items_.push_back(std::move(item));
  const bool is_long = items_.size() > kInlineItemsMax || !levels_.empty();
  if (is_long && is_data && (ends_here || items_.size() >= kListItemsMax)) {
    return write_leaf();
  }
  return {};
}

core::Status ContentBuilder::write_leaf() {
  format::ListChild child;
  for (const auto& item : items_) {
    child.length_bytes += item.length_bytes;
  }
  CAIRN_TRY(const core::Bytes encoded, format::encode_list_leaf({std::exchange(items_, {})}));
  CAIRN_TRY(child.node, sink_.put_node(encoded));
  return levels_.add(std::move(child));
}

core::Result<Content> ContentBuilder::finish() {
  Content content;
  content.size_bytes = size_bytes_;
  if (levels_.empty() && items_.size() <= kInlineItemsMax) {
    content.items = std::move(items_);
    return content;
  }
  if (!items_.empty()) {
    CAIRN_TRY_STATUS(write_leaf());
  }
  CAIRN_TRY(const format::ListChild root, levels_.finish());
  content.tree_root = root.node;
  return content;
}

}  // namespace cairn::repo::ops
