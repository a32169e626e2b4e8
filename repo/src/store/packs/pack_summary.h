#pragma once

#include <cstdint>
#include <vector>

#include "cairn/repo/ids.h"
#include "format/index.h"

namespace cairn::repo::store {

/// A pack's number inside one catalogue: short, never reused while the catalogue lives.
enum class PackNumber : std::uint32_t {};

/// A pack without its chunks: enough to read and open any of its blocks.
struct PackSummary {
  PackId id;
  PackNumber number{};
  std::uint64_t size_bytes = 0;
  format::BlockKind kind = format::BlockKind::data;
  std::vector<format::KeyRecord> keys;
  struct Block {
    std::uint64_t offset_bytes = 0;  ///< in the pack
    format::BlockRecord record;      ///< its `chunks` left empty
  };
  std::vector<Block> blocks;
};

/// What the catalogue keeps about a pack that an index segment lists; also made for one that is
/// read without the index.
[[nodiscard]] PackSummary summary_of(const format::IndexedPack& pack, PackNumber number = {});

}  // namespace cairn::repo::store
