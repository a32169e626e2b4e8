#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/core/bytes.h"

/// Repeatable test data. The sequence is part of golden vectors: it must never change.
namespace cairn::test {

/// SplitMix64.
class SeededNumbers {
 public:
  explicit SeededNumbers(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// In [low, high]; slightly uneven, which tests do not mind.
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) noexcept {
    return low + static_cast<std::size_t>(next() % (high - low + 1));
  }

 private:
  std::uint64_t state_;
};

/// The lowest byte of each number in turn.
[[nodiscard]] inline core::Bytes seeded_bytes(std::uint64_t seed, std::size_t size) {
  SeededNumbers numbers(seed);
  core::Bytes bytes(size);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(numbers.next());
  }
  return bytes;
}

}  // namespace cairn::test
