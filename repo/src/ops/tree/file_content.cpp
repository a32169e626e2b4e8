#include "ops/tree/file_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ops/tree/content_cursor.h"

namespace cairn::repo::ops {

namespace {

using Write = std::function<core::Status(core::ByteView)>;

core::Status write_hole(std::uint64_t count, const Write& write) {
  static constexpr std::array<std::byte, 64 * 1024> kZeros{};
  while (count > 0) {
    const auto piece = std::min<std::uint64_t>(count, kZeros.size());
    CAIRN_TRY_STATUS(write(core::ByteView(kZeros).first(static_cast<std::size_t>(piece))));
    count -= piece;
  }
  return {};
}

core::Status read_range(CatalogueView view, const Content& content, const std::string& path,
                        const Write& write, ContentRange range, bool with_holes) {
  ContentCursor cursor(view, content);
  CAIRN_TRY_CONTEXT(std::uint64_t at, path, cursor.skip(range.begin));
  while (at < range.end) {
    CAIRN_TRY_CONTEXT(const auto run, path, cursor.next());
    if (!run) {
      return {};
    }
    const std::uint64_t first = std::max(at, range.begin);
    const std::uint64_t count = std::min(at + run->length_bytes, range.end) - first;
    if (run->chunk) {
      CAIRN_TRY_CONTEXT(const core::Bytes bytes, path,
                        view.chunks().get(*run->chunk, format::BlockKind::data));
      if (bytes.size() != run->length_bytes) {
        return core::fail(core::ErrorCode::corrupt,
                          fmt::format("{}: a chunk has {} bytes, not the {} of its file", path,
                                      bytes.size(), run->length_bytes));
      }
      CAIRN_TRY_STATUS(write(core::ByteView(bytes).subspan(static_cast<std::size_t>(first - at),
                                                           static_cast<std::size_t>(count))));
    } else if (with_holes) {
      CAIRN_TRY_STATUS(write_hole(count, write));
    }
    at += run->length_bytes;
  }
  return {};
}

}  // namespace

core::Status read_data(CatalogueView view, const Content& content, const std::string& path,
                       const Write& write) {
  return read_range(view, content, path, write, {}, false);
}

core::Status read_content(CatalogueView view, const Content& content, const std::string& path,
                          const Write& write, ContentRange range) {
  return read_range(view, content, path, write, range, true);
}

}  // namespace cairn::repo::ops
