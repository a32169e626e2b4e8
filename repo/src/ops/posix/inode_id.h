#pragma once

#include <compare>
#include <cstdint>

namespace cairn::repo::ops {

/// Identifies an object of the running system; never stored in a node.
struct InodeId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend auto operator<=>(const InodeId&, const InodeId&) = default;
  friend bool operator==(const InodeId&, const InodeId&) = default;
};

}  // namespace cairn::repo::ops
