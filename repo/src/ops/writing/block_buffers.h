#pragma once

#include <cstddef>
#include <gsl/assert>
#include <mutex>
#include <utility>
#include <vector>

#include "cairn/core/bytes.h"
#include "ops/writing/open_block.h"

namespace cairn::repo::ops {

/// Memory of finished blocks, for the next ones. Thread-safe.
class BlockBuffers {
 public:
  /// For compressed blocks: half of what Packer's queue holds when it is full, since blocks in the
  /// queue use their memory themselves.
  static constexpr std::size_t kSealedBytes = std::size_t{3} * 1024 * 1024;

  /// For the bytes of a sealed block; may be empty or contain anything.
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

  /// An empty block for a thread that gave a full one away; one of these is kept. It follows the
  /// last block that was given back.
  [[nodiscard]] OpenBlock take_open(BlockClass block_class) {
    const std::scoped_lock lock(mutex_);
    OpenBlock block = std::exchange(open_, {});
    block.block_class = block_class;
    return block;
  }
  void give_back(OpenBlock block) {
    Expects(block.chunks.empty() && block.plain.empty());
    const std::scoped_lock lock(mutex_);
    std::swap(open_, block);  // the old memory is freed without the lock
  }

 private:
  std::mutex mutex_;
  std::vector<core::Bytes> sealed_;
  std::size_t sealed_bytes_ = 0;
  OpenBlock open_;
};

}  // namespace cairn::repo::ops
