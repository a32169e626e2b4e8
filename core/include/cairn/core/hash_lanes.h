#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cairn/core/bytes.h"
#include "cairn/core/crypto.h"
#include "cairn/core/secret.h"

/// BLAKE2b-256 of many inputs at once, with or without a key. See
/// docs/design/0008-hashing-in-lanes.md.
namespace cairn::core {

/// How LaneHasher computes. All give the same hashes.
enum class HashKernel : std::uint8_t {
  libsodium,  ///< one input after the other, where nothing faster runs
  portable,   ///< the eight lanes of avx512 on any little-endian processor: slow, for tests
  avx2,       ///< four lanes
  avx512,     ///< eight lanes
};
inline constexpr std::array kHashKernels{HashKernel::libsodium, HashKernel::portable,
                                         HashKernel::avx2, HashKernel::avx512};

[[nodiscard]] std::string_view to_string(HashKernel kernel) noexcept;
/// True if this processor and system can run it.
[[nodiscard]] bool is_available(HashKernel kernel) noexcept;
/// The fastest one that is available; never portable.
[[nodiscard]] HashKernel best_hash_kernel() noexcept;
/// How many inputs it hashes at once: at least 1.
[[nodiscard]] std::size_t lanes_of(HashKernel kernel) noexcept;

/// keyed_hash256() under one key, or hash256(), for many inputs at once. Immutable, thread-safe.
/// Keeps a copy of the key. Memory of a call: 24 bytes per input, and some KiB.
class LaneHasher {
 public:
  /// Requires a key of 32 bytes, or of none, and an available kernel.
  explicit LaneHasher(ByteView key, HashKernel kernel = best_hash_kernel());

  /// keyed_hash256(key, input), or hash256(input).
  [[nodiscard]] Hash256 hash(ByteView input) const;
  /// outputs[i] = hash(inputs[i]). Requires as many outputs as inputs. Lengths may differ; it is
  /// fastest with at least as many inputs as the kernel has lanes, and none much longer than the
  /// others together.
  void hash_many(std::span<const ByteView> inputs, std::span<Hash256> outputs) const;

  [[nodiscard]] HashKernel kernel() const noexcept { return kernel_; }

 private:
  SecretBytes key_;
  SecretBytes start_;  ///< the hash's state after the key's block: as secret as the key
  HashKernel kernel_;
};

}  // namespace cairn::core
