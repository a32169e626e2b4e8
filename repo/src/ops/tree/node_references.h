#pragma once

#include <cstdint>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo::ops {

/// What a node of any type refers to, in order.
struct NodeReferences {
  std::vector<ChunkId> nodes;
  std::vector<ContentItem> pieces;  ///< of files; those with a chunk
  std::uint64_t file_bytes = 0;     ///< sizes of the files that it lists
};
/// Errors: corrupt, limit_exceeded (it is no node).
[[nodiscard]] core::Result<NodeReferences> references_of(core::ByteView node);

/// What a source's manifest refers to: its root, and its birth times.
[[nodiscard]] NodeReferences references_of(const Source& source);

}  // namespace cairn::repo::ops
