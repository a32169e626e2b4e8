#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/compress.h"

/// What new chunks cost when they are stored: blocks, and the order in which blocks are filled.
namespace cairn::bench {

/// Per block: authentication tag, hash of the ciphertext, lengths in the pack's directory.
inline constexpr std::uint64_t kBlockOverheadBytes = 64;

/// Fills blocks of at least `block_bytes` with whole chunks and compresses each; 0 means that every
/// chunk is compressed alone.
class Blocks {
 public:
  Blocks(std::size_t block_bytes, int level);

  void add(core::ByteView chunk);
  void close();
  [[nodiscard]] std::size_t block_bytes() const { return block_bytes_; }
  [[nodiscard]] std::uint64_t stored_bytes() const { return stored_bytes_; }

 private:
  std::size_t block_bytes_;
  core::Compressor compressor_;
  core::Bytes open_;
  core::Bytes compressed_;
  std::uint64_t stored_bytes_ = 0;
};

/// Chunks kept in memory, so that many orders and blocks can be tried on the same ones.
class KeptChunks {
 public:
  void add(core::ByteView chunk, const std::string& group);

  [[nodiscard]] std::size_t size() const { return chunks_.size(); }
  [[nodiscard]] core::ByteView bytes(std::size_t index) const {
    return core::ByteView(arena_).subspan(chunks_[index].offset, chunks_[index].length);
  }
  [[nodiscard]] const std::string& group(std::size_t index) const { return chunks_[index].group; }

 private:
  struct Kept {
    std::size_t offset;
    std::size_t length;
    std::string group;
  };
  core::Bytes arena_;
  std::vector<Kept> chunks_;
};

/// As they come.
void store_in_order(const KeptChunks& chunks, Blocks& blocks);
/// Collects `window_bytes`, hands those over grouped, collects again.
void store_by_window(const KeptChunks& chunks, std::size_t window_bytes, Blocks& blocks);
/// Keeps one block open for each of the `open_max` groups used last; returns the stored bytes.
[[nodiscard]] std::uint64_t store_by_open_blocks(const KeptChunks& chunks, std::size_t open_max,
                                                 std::size_t block_bytes, int level);

}  // namespace cairn::bench
