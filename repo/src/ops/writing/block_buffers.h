#pragma once

#include <cstddef>
#include <gsl/assert>
#include <mutex>
#include <utility>
#include <vector>

#include "cairn/core/bytes.h"
#include "ops/writing/open_block.h"

namespace cairn::repo::ops {

/// Memory of blocks that are done with, for the next ones. Thread-safe.
class BlockBuffers {
 public:
  /// Of what blocks are compressed to: half of what Packer's queue holds when it is full, for what
  /// is in the queue has no memory to spare.
  static constexpr std::size_t kSealedBytes = std::size_t{3} * 1024 * 1024;

  /// For the bytes of a sealed block; it may be empty, and hold anything.
  [[nodiscard]] core::Bytes take_sealed() {
    const std::scoped_lock lock(mutex_);
    if (sealed_.empty()) {
      return {};
    }
    core::Bytes memory = std::move(sealed_.back());
    sealed_.pop_back();
    sealed_bytes_ -= memory.capacity();
    return memory;
  }
  void give_back(core::Bytes sealed) {
    const std::scoped_lock lock(mutex_);
    if (sealed_bytes_ + sealed.capacity() <= kSealedBytes) {
      sealed_bytes_ += sealed.capacity();
      sealed_.push_back(std::move(sealed));
    }
  }

  /// An empty block, for who gave a full one away; one of these is kept. It follows the last one
  /// that was given back.
  [[nodiscard]] OpenBlock take_open(BlockClass block_class) {
    const std::scoped_lock lock(mutex_);
    OpenBlock block = std::exchange(open_, {});
    block.block_class = block_class;
    return block;
  }
  void give_back(OpenBlock block) {
    Expects(block.chunks.empty() && block.plain.empty());
    const std::scoped_lock lock(mutex_);
    std::swap(open_, block);  // what was there before is freed without the lock
  }

 private:
  std::mutex mutex_;
  std::vector<core::Bytes> sealed_;
  std::size_t sealed_bytes_ = 0;
  OpenBlock open_;
};

}  // namespace cairn::repo::ops
