#include "chunking_storing.h"

#include <algorithm>
#include <numeric>

namespace cairn::bench {
namespace {

/// Larger than any single chunk that is worth a compression window of its own.
constexpr std::size_t kSingleChunkHintBytes = 1024 * 1024;

/// A block that is being filled with chunks of one group.
struct OpenBlock {
  std::string group;
  core::Bytes bytes;
};

}  // namespace

Blocks::Blocks(std::size_t block_bytes, int level)
    : block_bytes_(block_bytes),
      compressor_(level, block_bytes != 0 ? block_bytes : kSingleChunkHintBytes) {}

void Blocks::add(core::ByteView chunk) {
  core::append(open_, chunk);
  if (open_.size() >= block_bytes_) {
    close();
  }
}

void Blocks::close() {
  if (open_.empty()) {
    return;
  }
  stored_bytes_ += compressor_.compress(open_, compressed_) ? compressed_.size() : open_.size();
  stored_bytes_ += block_bytes_ != 0 ? kBlockOverheadBytes : 0;
  open_.clear();
}

void KeptChunks::add(core::ByteView chunk, const std::string& group) {
  chunks_.push_back({arena_.size(), chunk.size(), group});
  core::append(arena_, chunk);
}

void store_in_order(const KeptChunks& chunks, Blocks& blocks) {
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    blocks.add(chunks.bytes(i));
  }
  blocks.close();
}

void store_by_window(const KeptChunks& chunks, std::size_t window_bytes, Blocks& blocks) {
  std::vector<std::size_t> window;
  std::size_t collected = 0;
  const auto hand_over = [&] {
    std::stable_sort(window.begin(), window.end(), [&chunks](std::size_t a, std::size_t b) {
      return chunks.group(a) < chunks.group(b);
    });
    for (const std::size_t i : window) {
      blocks.add(chunks.bytes(i));
    }
    window.clear();
    collected = 0;
  };
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    window.push_back(i);
    collected += chunks.bytes(i).size();
    if (collected >= window_bytes) {
      hand_over();
    }
  }
  hand_over();
  blocks.close();
}

std::uint64_t store_by_open_blocks(const KeptChunks& chunks, std::size_t open_max,
                                   std::size_t block_bytes, int level) {
  Blocks blocks(block_bytes, level);
  std::list<OpenBlock> open;  // the one used last is first
  const auto close = [&blocks](OpenBlock& block) {
    blocks.add(block.bytes);
    blocks.close();
    block.bytes.clear();
  };
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    auto found = std::find_if(open.begin(), open.end(), [&](const OpenBlock& block) {
      return block.group == chunks.group(i);
    });
    if (found != open.end()) {
      open.splice(open.begin(), open, found);
    } else if (open.size() < open_max) {
      open.push_front({chunks.group(i), {}});
    } else {
      // The one that has waited longest goes on with the new group: its block need not end here.
      open.splice(open.begin(), open, std::prev(open.end()));
      open.front().group = chunks.group(i);
    }
    core::append(open.front().bytes, chunks.bytes(i));
    if (open.front().bytes.size() >= block_bytes) {
      close(open.front());
    }
  }
  std::for_each(open.begin(), open.end(), close);
  return blocks.stored_bytes();
}

}  // namespace cairn::bench
