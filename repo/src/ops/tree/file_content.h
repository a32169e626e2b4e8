#pragma once

#include <functional>
#include <string>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/repository/catalogue_view.h"

namespace cairn::repo::ops {

/// Writes the bytes of a file piece by piece in order; holes are written as zeros. `path` is for
/// messages. Memory: one chunk. Errors: as read_node, or what `write` returns.
core::Status read_content(CatalogueView view, const Content& content, const std::string& path,
                          const std::function<core::Status(core::ByteView)>& write);

/// The same without the holes.
core::Status read_data(CatalogueView view, const Content& content, const std::string& path,
                       const std::function<core::Status(core::ByteView)>& write);

}  // namespace cairn::repo::ops
