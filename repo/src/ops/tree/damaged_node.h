#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "cairn/core/result.h"
#include "cairn/repo/ids.h"

/// Error messages of tree readers about damaged nodes.
namespace cairn::repo::ops {

[[nodiscard]] inline core::Error damaged_node(const ChunkId& id, std::string_view reason) {
  return {core::ErrorCode::corrupt, fmt::format("node {}: {}", id.hex(), reason)};
}

/// Adds to an error which node it was.
template <class T>
[[nodiscard]] core::Result<T> in_node(core::Result<T> decoded, const ChunkId& id) {
  if (!decoded) {
    return core::fail(std::move(decoded).error().with_context("node " + id.hex()));
  }
  return decoded;
}

}  // namespace cairn::repo::ops
