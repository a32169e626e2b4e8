#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "cairn/core/result.h"
#include "cairn/repo/ids.h"

/// What readers of trees say about a node that is not what its writer was to write.
namespace cairn::repo::ops {

[[nodiscard]] inline core::Error damaged_node(const ChunkId& id, std::string_view reason) {
  return {core::ErrorCode::corrupt, fmt::format("node {}: {}", id.hex(), reason)};
}

/// True if an object is gone or damaged, as against storage that fails today.
[[nodiscard]] inline bool means_lost(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::not_found || code == core::ErrorCode::corrupt ||
         code == core::ErrorCode::limit_exceeded;
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
