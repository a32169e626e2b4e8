#pragma once

#include <cstdint>

#include "cairn/core/bytes.h"

namespace cairn::core {

/// Source of randomness, passed in so that tests are repeatable. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableByteView out) = 0;
  [[nodiscard]] std::uint64_t number();
};

/// The system's cryptographic generator. Needs init_crypto() once.
class SystemRandom final : public Random {
 public:
  void fill(MutableByteView out) override;
};

}  // namespace cairn::core
