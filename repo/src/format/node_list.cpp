#include "format/content.h"
#include "format/fields.h"
#include "format/node.h"

namespace cairn::repo::format {
namespace {

constexpr std::size_t kListChildBytesMin = ChunkId::kSize + 1;
static_assert(kNodeItemsMax * kContentItemBytesMax + 8 <= kNodeBytesMax, "any list node fits");

constexpr std::string_view kTooManyItems = "it has too many items";

std::string_view leaf_defect(const ListLeaf& leaf) noexcept {
  if (leaf.items.size() > kNodeItemsMax) {
    return kTooManyItems;
  }
  std::uint64_t size_bytes = 0;
  return leaf.items.empty() ? "it has no items" : content_items_defect(leaf.items, size_bytes);
}

std::string_view inner_defect(const ListInner& inner) noexcept {
  if (inner.children.size() > kNodeItemsMax) {
    return kTooManyItems;
  }
  if (inner.level < 1 || inner.level > kTreeDepthMax) {
    return "its level is out of bounds";
  }
  if (inner.children.size() < 2) {
    return "it has less than two children";
  }
  std::uint64_t sum = 0;
  for (const ListChild& child : inner.children) {
    if (child.length_bytes == 0) {
      return "a child is empty";
    }
    if (child.length_bytes > kFileSizeMax - sum) {
      return "its children are larger than any file";
    }
    sum += child.length_bytes;
  }
  return {};
}

}  // namespace

core::Result<core::Bytes> encode_list_leaf(const ListLeaf& leaf) {
  CAIRN_TRY_STATUS(check_encodable("a list leaf", leaf_defect(leaf)));
  core::Bytes buffer;
  buffer.reserve(8 + leaf.items.size() * kContentItemBytesMax);
  core::Encoder out(std::move(buffer));
  out.u8(static_cast<std::uint8_t>(NodeType::list_leaf));
  out.varint(leaf.items.size());
  for (const ContentItem& item : leaf.items) {
    encode_content_item(out, item);
  }
  return std::move(out).take();
}

core::Result<ListLeaf> decode_list_leaf(core::ByteView node) {
  core::Decoder in(node, "list leaf");
  if (node.size() > kNodeBytesMax) {
    in.fail_limit("it is too long");
  }
  in.expect_u8(static_cast<std::uint8_t>(NodeType::list_leaf), "the node's type");
  const std::size_t count = in.count(kNodeItemsMax, kContentItemBytesMin);
  ListLeaf leaf;
  leaf.items.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    leaf.items.push_back(decode_content_item(in));
  }
  if (in.ok()) {
    if (const std::string_view defect = leaf_defect(leaf); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return leaf;
}

core::Result<core::Bytes> encode_list_inner(const ListInner& inner) {
  CAIRN_TRY_STATUS(check_encodable("a list inner node", inner_defect(inner)));
  core::Encoder out;
  out.u8(static_cast<std::uint8_t>(NodeType::list_inner));
  out.u8(inner.level);
  out.varint(inner.children.size());
  for (const ListChild& child : inner.children) {
    encode_id(out, child.node);
    out.varint(child.length_bytes);
  }
  return std::move(out).take();
}

core::Result<ListInner> decode_list_inner(core::ByteView node) {
  core::Decoder in(node, "list inner node");
  if (node.size() > kNodeBytesMax) {
    in.fail_limit("it is too long");
  }
  in.expect_u8(static_cast<std::uint8_t>(NodeType::list_inner), "the node's type");
  ListInner inner;
  inner.level = in.u8();
  const std::size_t count = in.count(kNodeItemsMax, kListChildBytesMin);
  inner.children.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    ListChild& child = inner.children.emplace_back();
    child.node = decode_id<ChunkId>(in);
    child.length_bytes = in.varint(kFileSizeMax);
  }
  if (in.ok()) {
    if (const std::string_view defect = inner_defect(inner); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return inner;
}

}  // namespace cairn::repo::format
