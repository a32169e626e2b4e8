#include "ops/tree/file_content.h"

#include <algorithm>
#include <array>

#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

core::Status write_chunk(CatalogueView view, const ChunkId& chunk, const std::string& path,
                         const std::function<core::Status(core::ByteView)>& write) {
  CAIRN_TRY_CONTEXT(const auto bytes, path, view.chunks().get(chunk, format::BlockKind::data));
  return write(bytes);
}

}  // namespace

core::Status read_data(CatalogueView view, const Content& content, const std::string& path,
                       const std::function<core::Status(core::ByteView)>& write) {
  return for_each_item(
      view, content, [&](std::uint64_t /*offset*/, const ContentItem& item) -> core::Status {
        return item.chunk ? write_chunk(view, *item.chunk, path, write) : core::Status();
      });
}

core::Status read_content(CatalogueView view, const Content& content, const std::string& path,
                          const std::function<core::Status(core::ByteView)>& write) {
  static constexpr std::array<std::byte, 64 * 1024> kZeros{};
  return for_each_item(
      view, content, [&](std::uint64_t /*offset*/, const ContentItem& item) -> core::Status {
        if (item.chunk) {
          return write_chunk(view, *item.chunk, path, write);
        }
        for (std::uint64_t left = item.length_bytes; left > 0;) {
          const auto piece = std::min<std::uint64_t>(left, kZeros.size());
          CAIRN_TRY_STATUS(write(core::ByteView(kZeros).first(static_cast<std::size_t>(piece))));
          left -= piece;
        }
        return {};
      });
}

}  // namespace cairn::repo::ops
