#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cairn/core/bytes.h"
#include "format/pack.h"

/// Blocks while they are being filled.
namespace cairn::repo::ops {

/// Blocks are filled by the kind of their data, since one block is read, decrypted and repacked as
/// a whole: data that changes page by page needs small ones, and data that is already compressed
/// must not spoil the ratio of its neighbours.
enum class BlockClass : std::uint8_t { general = 0, pages = 1, compressed = 2, nodes = 3 };
inline constexpr std::size_t kBlockClassCount = 4;

[[nodiscard]] constexpr format::BlockKind block_kind(BlockClass block_class) noexcept {
  return block_class == BlockClass::nodes ? format::BlockKind::metadata : format::BlockKind::data;
}
/// Plaintext bytes at which a block is full (docs/CHUNKING.md has the measurements).
[[nodiscard]] std::size_t block_target_bytes(BlockClass block_class) noexcept;

/// The class that chunks of a block get when they are repacked. It is not recorded, but pages all
/// have one size, a power of two, except the last one of a file, and what was stored raw could not
/// be compressed.
[[nodiscard]] BlockClass block_class_like(format::BlockKind kind, format::BlockCodec codec,
                                          std::span<const std::uint32_t> lengths_bytes);

/// Plaintext of a block being filled.
struct OpenBlock {
  BlockClass block_class = BlockClass::general;
  core::Bytes plain;
  std::vector<format::ChunkRecord> chunks;
  /// The block before it could not be compressed. This one probably cannot either, and then a large
  /// one is useless, but takes memory at each stage up to the pack.
  bool follows_raw = false;

  void add(const ChunkId& id, core::ByteView chunk);
  [[nodiscard]] bool is_full() const noexcept;
};

}  // namespace cairn::repo::ops
