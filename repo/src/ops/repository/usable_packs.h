#pragma once

#include <mutex>
#include <shared_mutex>
#include <unordered_set>
#include <utility>

#include "store/catalogue/catalogue.h"

namespace cairn::repo::ops {

/// The packs that a new snapshot may rely on: those that existed, and were not condemned, when its
/// session looked (steps W1 and W2 of docs/design/0009-collection.md), and those that it has
/// published itself.
///
/// What was seen is frozen: processes may share a catalogue, and another one may put a pack back
/// into it that it saw before a collector deleted it. Such a pack has a higher number. Thread-safe
/// except for freeze(). Memory: 40 bytes for each pack that is avoided or its own.
class UsablePacks {
 public:
  /// Packs numbered below `end` were seen; those in `avoided` are condemned or gone.
  void freeze(store::PackNumber end, std::unordered_set<store::PackNumber> avoided) {
    end_ = end;
    avoided_ = std::move(avoided);
    own_.clear();
  }
  void add_own(store::PackNumber pack) {
    const std::unique_lock lock(mutex_);
    own_.insert(pack);
  }
  [[nodiscard]] bool contains(store::PackNumber pack) const {
    if (pack < end_) {
      return avoided_.empty() || !avoided_.contains(pack);
    }
    const std::shared_lock lock(mutex_);
    return own_.contains(pack);
  }
  /// True if nobody else has put a pack into the catalogue since; `next` is the number of its next
  /// pack. A pack of our own that is just being added may look like another process's.
  [[nodiscard]] bool knows_all_below(store::PackNumber next) const {
    const std::shared_lock lock(mutex_);
    return static_cast<std::size_t>(next) - static_cast<std::size_t>(end_) == own_.size();
  }
  [[nodiscard]] bool avoids_any() const noexcept { return !avoided_.empty(); }
  /// For lookups; must not outlive this object.
  [[nodiscard]] store::PackFilter filter() const {
    return [this](store::PackNumber pack) { return contains(pack); };
  }

 private:
  store::PackNumber end_{};
  std::unordered_set<store::PackNumber> avoided_;
  mutable std::shared_mutex mutex_;  ///< protects own_
  std::unordered_set<store::PackNumber> own_;
};

}  // namespace cairn::repo::ops
