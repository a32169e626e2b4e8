#pragma once

#include <cstdint>
#include <gsl/assert>
#include <mutex>

#include "cairn/core/random.h"
#include "seeded_data.h"

namespace cairn::test {

/// The same bytes for the same seed (SplitMix64, eight at a time). Thread-safe, but which thread
/// gets which bytes is up to the scheduler. Nothing that leaves a test may depend on it.
class SeededRandom final : public core::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : numbers_(seed) {}

  void fill(core::MutableByteView out) override {
    const std::scoped_lock lock(mutex_);
    while (!out.empty()) {
      std::uint64_t bits = numbers_.next();
      const std::size_t size = out.size() < sizeof(bits) ? out.size() : sizeof(bits);
      for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<std::byte>(bits & 0xff);
        bits >>= 8;
      }
      out = out.subspan(size);
    }
  }

  [[nodiscard]] std::uint64_t next() {
    const std::scoped_lock lock(mutex_);
    return numbers_.next();
  }
  /// 0 .. limit - 1. Slightly uneven for huge limits, which no test minds.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) {
    Expects(limit > 0);
    return next() % limit;
  }
  [[nodiscard]] core::Bytes bytes(std::size_t size) {
    core::Bytes out(size);
    fill(out);
    return out;
  }

 private:
  std::mutex mutex_;
  SeededNumbers numbers_;
};

}  // namespace cairn::test
