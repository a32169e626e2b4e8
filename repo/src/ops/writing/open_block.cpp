#include "ops/writing/open_block.h"

#include <algorithm>
#include <bit>

namespace cairn::repo::ops {

namespace {

// A block of 30-byte files would have a quarter of a million chunks, each 40 bytes in memory until
// its pack is published.
constexpr std::size_t kBlockChunks = 16 * 1024;

}  // namespace

std::size_t block_target_bytes(BlockClass block_class) noexcept {
  switch (block_class) {
    case BlockClass::general:
      return 8 * 1024 * 1024;
    case BlockClass::compressed:
      return 1024 * 1024;
    case BlockClass::pages:
      return 256 * 1024;
    case BlockClass::nodes:
      return 512 * 1024;
  }
  return 8 * 1024 * 1024;
}

BlockClass block_class_like(format::BlockKind kind, format::BlockCodec codec,
                            std::span<const std::uint32_t> lengths_bytes) {
  if (kind == format::BlockKind::metadata) {
    return BlockClass::nodes;
  }
  if (codec == format::BlockCodec::raw) {
    return BlockClass::compressed;
  }
  const std::uint32_t first = lengths_bytes.front();
  const auto like_first = std::ranges::count(lengths_bytes, first);
  const bool is_pages = lengths_bytes.size() > 1 && std::has_single_bit(first) &&
                        2 * static_cast<std::size_t>(like_first) > lengths_bytes.size();
  return is_pages ? BlockClass::pages : BlockClass::general;
}

void OpenBlock::add(const ChunkId& id, core::ByteView chunk) {
  if (plain.capacity() < plain.size() + chunk.size()) {
    // All at once: growing by doubling would copy repeatedly. Unused pages cost nothing.
    plain.reserve(block_target_bytes(block_class) + chunk.size());
  }
  core::append(plain, chunk);
  chunks.push_back({id, static_cast<std::uint32_t>(chunk.size())});
}

bool OpenBlock::is_full() const noexcept {
  if (chunks.size() >= kBlockChunks) {
    return true;
  }
  const std::size_t target = block_target_bytes(block_class);
  return plain.size() >=
         (follows_raw ? std::min(target, block_target_bytes(BlockClass::compressed)) : target);
}

}  // namespace cairn::repo::ops
