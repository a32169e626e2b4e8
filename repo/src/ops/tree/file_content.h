#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/repository/catalogue_view.h"

namespace cairn::repo::ops {

/// From the offset `begin` to `end`, or to the end of the file.
struct ContentRange {
  std::uint64_t begin = 0;
  std::uint64_t end = UINT64_MAX;
};

/// Writes the bytes of a file piece by piece in order; holes are written as zeros. `path` is for
/// messages. Only nodes on the way to the range, and chunks in it, are read. Memory: one chunk.
/// Errors: as read_node, or what `write` returns.
core::Status read_content(CatalogueView view, const Content& content, const std::string& path,
                          const std::function<core::Status(core::ByteView)>& write,
                          ContentRange range = {});

/// The whole file without its holes.
core::Status read_data(CatalogueView view, const Content& content, const std::string& path,
                       const std::function<core::Status(core::ByteView)>& write);

}  // namespace cairn::repo::ops
