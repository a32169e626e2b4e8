#pragma once

#include <string_view>
#include <vector>

#include "cairn/core/codec.h"
#include "cairn/repo/entry.h"

/// The bytes of a file as a record: in entries, in list leaves and in manifests. docs/FORMAT.md,
/// "Contents".
namespace cairn::repo::format {

/// At least: a varint, and for data the id.
inline constexpr std::size_t kContentItemBytesMin = 1;
inline constexpr std::size_t kContentItemBytesMax = 10 + 32;

void encode_content_item(core::Encoder& out, const ContentItem& item);
[[nodiscard]] ContentItem decode_content_item(core::Decoder& in);

/// Adds the items' lengths up into `size_bytes`. Returns the reason if an item is out of bounds,
/// two holes follow each other, or the sum is above kFileSizeMax; otherwise an empty text.
[[nodiscard]] std::string_view content_items_defect(const std::vector<ContentItem>& items,
                                                    std::uint64_t& size_bytes) noexcept;

/// Requires content_defect(content) to be empty.
void encode_content(core::Encoder& out, const Content& content);
/// Checks limits, but not content_defect().
[[nodiscard]] Content decode_content(core::Decoder& in);
/// Why this cannot be the content of a file; empty if it can.
[[nodiscard]] std::string_view content_defect(const Content& content) noexcept;

}  // namespace cairn::repo::format
