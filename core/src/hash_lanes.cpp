#include "cairn/core/hash_lanes.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <gsl/assert>
#include <vector>

#include "hash_lanes_kernels.h"

namespace cairn::core {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kKeyBlockBytes = 128;

using StartState = std::array<std::uint64_t, 8>;

void run(HashKernel kernel, const hash_lanes::Job& job) {
#if defined(__x86_64__)
  if (kernel == HashKernel::avx2) {
    return hash_lanes::hash_avx2(job);
  }
  if (kernel == HashKernel::avx512) {
    return hash_lanes::hash_avx512(job);
  }
#endif
  Expects(kernel == HashKernel::portable);
  hash_lanes::hash_portable(job);
}

}  // namespace

std::string_view to_string(HashKernel kernel) noexcept {
  switch (kernel) {
    case HashKernel::libsodium:
      return "libsodium";
    case HashKernel::portable:
      return "portable";
    case HashKernel::avx2:
      return "avx2";
    case HashKernel::avx512:
      return "avx512";
  }
  return "unknown";
}

bool is_available(HashKernel kernel) noexcept {
  switch (kernel) {
    case HashKernel::libsodium:
      return true;
    case HashKernel::portable:
      return std::endian::native == std::endian::little;
#if defined(__x86_64__)
    // These also check that the system saves the registers.
    case HashKernel::avx2:
      return __builtin_cpu_supports("avx2") != 0;
    case HashKernel::avx512:
      return __builtin_cpu_supports("avx512f") != 0;
#else
    case HashKernel::avx2:
    case HashKernel::avx512:
      return false;
#endif
  }
  return false;
}

HashKernel best_hash_kernel() noexcept {
  for (const HashKernel kernel : {HashKernel::avx512, HashKernel::avx2}) {
    if (is_available(kernel)) {
      return kernel;
    }
  }
  return HashKernel::libsodium;
}

std::size_t lanes_of(HashKernel kernel) noexcept {
  switch (kernel) {
    case HashKernel::libsodium:
      return 1;
    case HashKernel::avx2:
      return 4;
    case HashKernel::portable:
    case HashKernel::avx512:
      return 8;
  }
  return 1;
}

LaneHasher::LaneHasher(ByteView key, HashKernel kernel)
    : key_(SecretBytes::copy_of(key)), start_(sizeof(StartState)), kernel_(kernel) {
  Expects(key.empty() || key.size() == kKeyBytes);
  Expects(is_available(kernel));
  StartState start{};
  if (key.empty()) {
    hash_lanes::start_state(nullptr, start.data());
  } else {
    SecretBytes key_block(kKeyBlockBytes);
    std::memcpy(key_block.mutable_view().data(), key.data(), key.size());
    hash_lanes::start_state(u8_data(key_block.view()), start.data());
  }
  std::memcpy(start_.mutable_view().data(), start.data(), sizeof(start));
  wipe(std::as_writable_bytes(std::span(start)));
}

Hash256 LaneHasher::hash(ByteView input) const {
  return key_.view().empty() ? hash256(input) : keyed_hash256(key_.view(), input);
}

void LaneHasher::hash_many(std::span<const ByteView> inputs, std::span<Hash256> outputs) const {
  Expects(inputs.size() == outputs.size());
  const bool in_lanes = kernel_ != HashKernel::libsodium && inputs.size() > 1;
  std::vector<hash_lanes::Message> messages;
  messages.reserve(in_lanes ? inputs.size() : 0);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // An empty message has no block, or the key's as its last one: no kernel expects that.
    if (!in_lanes || inputs[i].empty()) {
      outputs[i] = hash(inputs[i]);
    } else {
      messages.push_back({.data = u8_data(inputs[i]),
                          .size = inputs[i].size(),
                          .hash = u8_data(outputs[i].mutable_view())});
    }
  }
  if (messages.empty()) {
    return;
  }
  // Longest first, so that little is left at the end, when lanes run empty.
  std::sort(messages.begin(), messages.end(),
            [](const auto& a, const auto& b) { return a.size > b.size; });
  StartState start{};
  std::memcpy(start.data(), start_.view().data(), sizeof(start));
  run(kernel_, {.start = start.data(),
                .counted = key_.view().empty() ? 0 : kKeyBlockBytes,
                .messages = messages.data(),
                .count = messages.size()});
  wipe(std::as_writable_bytes(std::span(start)));
}

}  // namespace cairn::core
