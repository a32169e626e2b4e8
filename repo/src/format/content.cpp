#include "format/content.h"

#include <gsl/assert>

#include "cairn/chunker/chunker.h"
#include "format/fields.h"

namespace cairn::repo::format {
namespace {

enum class ContentForm : std::uint8_t {
  items = 0,
  tree = 1,
};

}  // namespace

void encode_content_item(core::Encoder& out, const ContentItem& item) {
  out.varint(item.length_bytes << 1 | (item.chunk.has_value() ? 0U : 1U));
  if (item.chunk.has_value()) {
    encode_id(out, *item.chunk);
  }
}

ContentItem decode_content_item(core::Decoder& in) {
  const std::uint64_t number = in.varint();
  ContentItem item;
  item.length_bytes = number >> 1;
  if ((number & 1) == 0) {
    if (item.length_bytes > chunker::kChunkSizeMax) {
      in.fail_limit("an item of the content is longer than any chunk");
    }
    item.chunk = decode_id<ChunkId>(in);
  }
  return item;
}

std::string_view content_items_defect(const std::vector<ContentItem>& items,
                                      std::uint64_t& size_bytes) noexcept {
  size_bytes = 0;
  bool after_hole = false;
  for (const ContentItem& item : items) {
    const bool hole = !item.chunk.has_value();
    if (item.length_bytes == 0) {
      return "an item of the content is empty";
    }
    if (item.length_bytes > (hole ? kFileSizeMax : chunker::kChunkSizeMax)) {
      return "an item of the content is too long";
    }
    if (hole && after_hole) {
      return "two holes stand in a row";
    }
    if (item.length_bytes > kFileSizeMax - size_bytes) {
      return "the content is larger than any file";
    }
    size_bytes += item.length_bytes;
    after_hole = hole;
  }
  return {};
}

void encode_content(core::Encoder& out, const Content& content) {
  Expects(content_defect(content).empty());
  out.varint(content.size_bytes);
  if (content.tree_root.has_value()) {
    out.u8(static_cast<std::uint8_t>(ContentForm::tree));
    encode_id(out, *content.tree_root);
    return;
  }
  out.u8(static_cast<std::uint8_t>(ContentForm::items));
  out.varint(content.items.size());
  for (const ContentItem& item : content.items) {
    encode_content_item(out, item);
  }
}

Content decode_content(core::Decoder& in) {
  Content content;
  content.size_bytes = in.varint(kFileSizeMax);
  switch (static_cast<ContentForm>(in.u8())) {
    case ContentForm::items: {
      const std::size_t items = in.count(kInlineItemsMax, kContentItemBytesMin);
      content.items.reserve(items);
      for (std::size_t i = 0; i < items && in.ok(); ++i) {
        content.items.push_back(decode_content_item(in));
      }
      return content;
    }
    case ContentForm::tree:
      content.tree_root = decode_id<ChunkId>(in);
      return content;
  }
  in.fail_corrupt("unknown form of content");
  return content;
}

std::string_view content_defect(const Content& content) noexcept {
  if (content.tree_root.has_value()) {
    if (!content.items.empty()) {
      return "the content has both items and a tree";
    }
    return content.size_bytes == 0 || content.size_bytes > kFileSizeMax
               ? "the size of a content tree is out of bounds"
               : "";
  }
  if (content.items.size() > kInlineItemsMax) {
    return "the content has too many items in place";
  }
  std::uint64_t sum = 0;
  if (const std::string_view defect = content_items_defect(content.items, sum); !defect.empty()) {
    return defect;
  }
  return sum == content.size_bytes ? "" : "the content's items do not add up to its size";
}

}  // namespace cairn::repo::format
