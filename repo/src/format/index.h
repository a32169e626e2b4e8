#pragma once

#include <vector>

#include "cairn/repo/ids.h"
#include "format/pack.h"

namespace cairn::repo::format {

/// One pack as an index segment lists it.
struct IndexedPack {
  PackId id;
  std::uint64_t size_bytes = 0;  ///< of the whole object
  PackDirectory directory;

  friend bool operator==(const IndexedPack&, const IndexedPack&) = default;
};

/// Plaintext of an index object: what a session or a collector has published.
struct IndexSegment {
  std::vector<IndexSegmentId> replaces;  ///< segments that this one replaces; sorted
  std::vector<IndexedPack> packs;        ///< sorted by id

  friend bool operator==(const IndexSegment&, const IndexSegment&) = default;
};
inline constexpr std::size_t kIndexReplacesMax = 65536;
inline constexpr std::size_t kIndexPacksMax = 65536;

[[nodiscard]] core::Result<core::Bytes> encode_index_segment(const IndexSegment& segment);
[[nodiscard]] core::Result<IndexSegment> decode_index_segment(core::ByteView input);

}  // namespace cairn::repo::format
