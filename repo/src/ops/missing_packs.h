#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <unordered_set>
#include <utility>

#include "store/catalogue.h"

namespace cairn::repo::ops {

/// Packs that an index segment lists but that are gone, as of the last look. Thread-safe: readers
/// may look again while others ask. Memory: 40 bytes each.
class MissingPacks {
 public:
  [[nodiscard]] bool contains(store::PackNumber pack) const {
    if (empty_.load(std::memory_order_acquire)) {
      return false;
    }
    const std::shared_lock lock(mutex_);
    return packs_.contains(pack);
  }
  void assign(std::unordered_set<store::PackNumber> packs) {
    const std::unique_lock lock(mutex_);
    packs_ = std::move(packs);
    empty_.store(packs_.empty(), std::memory_order_release);
  }
  [[nodiscard]] std::unordered_set<store::PackNumber> all() const {
    const std::shared_lock lock(mutex_);
    return packs_;
  }

 private:
  std::atomic<bool> empty_{true};
  mutable std::shared_mutex mutex_;  ///< packs_
  std::unordered_set<store::PackNumber> packs_;
};

}  // namespace cairn::repo::ops
