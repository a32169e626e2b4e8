#pragma once

#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/crypto.h"
#include "cairn/core/hash_lanes.h"

namespace cairn::repo::store {

/// Hashes of a pack's segments (format::kPackSegmentBytes each, the last may be shorter), from
/// bytes that come in order. Segments wait until there is one for each lane of the hash kernel.
/// Not thread-safe. Memory: as many segments as the kernel has lanes, 1 to 8 MiB.
class SegmentHasher {
 public:
  explicit SegmentHasher(core::HashKernel kernel = core::best_hash_kernel());

  /// Forgets all bytes since the last finish().
  void clear();
  void update(core::ByteView data);
  /// The hashes of all segments since the last finish().
  [[nodiscard]] std::vector<core::Hash256> finish();

 private:
  void hash_waiting();

  core::LaneHasher hasher_;
  core::Bytes waiting_;
  std::vector<core::Hash256> hashes_;
};

}  // namespace cairn::repo::store
