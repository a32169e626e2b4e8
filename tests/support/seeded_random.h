#pragma once

#include <cstdint>
#include <gsl/assert>
#include <mutex>

#include "cairn/core/random.h"

namespace cairn::testing {

/// The same bytes for the same seed (SplitMix64, eight at a time). Thread-safe, but which thread
/// gets which bytes is up to the scheduler. Nothing that leaves a test may depend on it.
class SeededRandom final : public core::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  void fill(core::MutableByteView out) override {
    const std::scoped_lock lock(mutex_);
    while (!out.empty()) {
      std::uint64_t bits = step();
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
    return step();
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
  std::uint64_t step() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace cairn::testing
