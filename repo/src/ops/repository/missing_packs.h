#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <unordered_set>
#include <utility>

#include "store/catalogue/catalogue.h"

namespace cairn::repo::ops {

/// Packs that an index segment lists but that cannot be relied on, as of the last look: those that
/// are gone, and those with another size than was recorded (cut off by a power cut or an
/// interrupted copy, or grown). Thread-safe: readers may look again while others ask. Memory: 40
/// bytes each.
class MissingPacks {
 public:
  using Packs = std::unordered_set<store::PackNumber>;

  [[nodiscard]] bool contains(store::PackNumber pack) const {
    if (empty_.load(std::memory_order_acquire)) {
      return false;
    }
    const std::shared_lock lock(mutex_);
    return gone_.contains(pack) || resized_.contains(pack);
  }
  /// True if it does not exist at all.
  [[nodiscard]] bool is_gone(store::PackNumber pack) const {
    const std::shared_lock lock(mutex_);
    return gone_.contains(pack);
  }
  void assign(Packs gone, Packs resized) {
    const std::unique_lock lock(mutex_);
    gone_ = std::move(gone);
    resized_ = std::move(resized);
    empty_.store(gone_.empty() && resized_.empty(), std::memory_order_release);
  }
  [[nodiscard]] Packs all() const {
    const std::shared_lock lock(mutex_);
    Packs packs = gone_;
    packs.insert(resized_.begin(), resized_.end());
    return packs;
  }
  /// How many exist with another size than was recorded.
  [[nodiscard]] std::size_t resized() const {
    const std::shared_lock lock(mutex_);
    return resized_.size();
  }

 private:
  std::atomic<bool> empty_{true};
  mutable std::shared_mutex mutex_;  ///< protects both sets
  Packs gone_;
  Packs resized_;
};

}  // namespace cairn::repo::ops
