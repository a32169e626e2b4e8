#pragma once

#include <cstddef>
#include <cstdint>

// What the dispatcher (hash_lanes.cpp) and the kernels, each compiled for its own processor, share.
// Plain pointers: a kernel's file must not instantiate anything of the standard library, because
// the linker might keep that copy, with its AVX instructions, for the whole program.
namespace cairn::core::hash_lanes {

struct Message {
  const unsigned char* data = nullptr;
  std::size_t size = 0;           ///< at least 1
  unsigned char* hash = nullptr;  ///< 32 bytes, any alignment
};

struct Job {
  const std::uint64_t* start = nullptr;  ///< eight words: the state after the key's block, if any
  std::uint64_t counted = 0;             ///< bytes in it: 128, or 0 without a key
  const Message* messages = nullptr;     ///< best sorted by size, longest first
  std::size_t count = 0;
};

/// The state after the key's block. `key_block`: the key and 96 zero bytes; nullptr: no key.
void start_state(const unsigned char* key_block, std::uint64_t* start) noexcept;

void hash_portable(const Job& job) noexcept;
#if defined(__x86_64__)
void hash_avx2(const Job& job) noexcept;    ///< requires AVX2
void hash_avx512(const Job& job) noexcept;  ///< requires AVX-512F
#endif

}  // namespace cairn::core::hash_lanes
