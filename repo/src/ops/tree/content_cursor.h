#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/repository/catalogue_view.h"

namespace cairn::repo::ops {

/// The runs of a content one after the other. Not thread-safe. Memory: one leaf and the inner nodes
/// above it.
class ContentCursor {
 public:
  ContentCursor(CatalogueView view, const Content& content);

  /// nullopt at the end. After an error the cursor is behind the node that could not be read: call
  /// next() again to continue with the rest. Errors: as read_node.
  [[nodiscard]] core::Result<std::optional<ContentItem>> next();
  /// Skips the runs that lie entirely in the next `bytes`, without reading nodes that are skipped
  /// as a whole; returns how many bytes were skipped. Errors: as read_node.
  [[nodiscard]] core::Result<std::uint64_t> skip(std::uint64_t bytes);
  /// Bytes of the file below the node for which next() failed.
  [[nodiscard]] std::uint64_t unread_bytes() const noexcept { return unread_bytes_; }

 private:
  struct Pending {
    ChunkId node;
    std::uint64_t length_bytes = 0;
    unsigned level_below = 0;  ///< the node's level must be smaller
  };
  core::Status open_next();
  core::Status open_node(const Pending& pending);

  CatalogueView view_;
  std::vector<Pending> pending_;  ///< the next one is the last
  std::vector<ContentItem> items_;
  std::size_t next_item_ = 0;
  std::uint64_t unread_bytes_ = 0;
};

}  // namespace cairn::repo::ops
