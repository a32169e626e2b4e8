#include "ops/tree/node_references.h"

#include "format/node.h"

namespace cairn::repo::ops {

namespace {

void add_pieces(NodeReferences& references, const std::vector<ContentItem>& items) {
  for (const ContentItem& item : items) {
    if (item.chunk) {
      references.pieces.push_back(item);
    }
  }
}

void add_content(NodeReferences& references, const Content& content) {
  references.file_bytes += content.size_bytes;
  add_pieces(references, content.items);
  if (content.tree_root) {
    references.nodes.push_back(*content.tree_root);
  }
}

void add_entry(NodeReferences& references, const Entry& entry) {
  if (entry.type == EntryType::folder) {
    references.nodes.push_back(entry.folder.node);
  }
  add_content(references, entry.content);
}

template <class Inner>
void add_children(NodeReferences& references, const Inner& inner) {
  for (const auto& child : inner.children) {
    references.nodes.push_back(child.node);
  }
}

}  // namespace

core::Result<NodeReferences> references_of(core::ByteView node) {
  NodeReferences references;
  CAIRN_TRY(const format::NodeType type, format::node_type(node));
  switch (type) {
    case format::NodeType::folder_leaf: {
      CAIRN_TRY(const auto leaf, format::decode_folder_leaf(node));
      for (const Entry& entry : leaf.entries) {
        add_entry(references, entry);
      }
      break;
    }
    case format::NodeType::folder_inner: {
      CAIRN_TRY(const auto inner, format::decode_folder_inner(node));
      add_children(references, inner);
      break;
    }
    case format::NodeType::list_leaf: {
      CAIRN_TRY(const auto leaf, format::decode_list_leaf(node));
      add_pieces(references, leaf.items);
      break;
    }
    case format::NodeType::list_inner: {
      CAIRN_TRY(const auto inner, format::decode_list_inner(node));
      add_children(references, inner);
      break;
    }
    case format::NodeType::root: {
      CAIRN_TRY(const auto entry, format::decode_root(node));
      add_entry(references, entry);
      break;
    }
  }
  return references;
}

NodeReferences references_of(const Source& source) {
  NodeReferences references;
  references.nodes.push_back(source.root);
  add_content(references, source.birth_times);
  references.file_bytes = 0;
  return references;
}

}  // namespace cairn::repo::ops
