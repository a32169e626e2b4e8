#include <cstdint>
#include <gsl/assert>

#include "cairn/chunker/chunker.h"
#include "cairn/core/crypto.h"

namespace cairn::chunker {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNumbersPerHash = core::Hash256::kSize / sizeof(std::uint64_t);

std::uint64_t load_le64(core::ByteView bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

}  // namespace

// Numbers 4i to 4i+3 are the four little-endian quarters of
// BLAKE2b-256(key, "cairn-gear" || byte i), i in [0, 64).
GearTable::GearTable(core::ByteView key) : values_{} {
  Expects(key.size() == kKeyBytes);
  core::Bytes message = core::to_bytes(core::as_view("cairn-gear"));
  message.push_back(std::byte{0});
  for (std::size_t i = 0; i < values_.size() / kNumbersPerHash; ++i) {
    message.back() = static_cast<std::byte>(i);
    const core::Hash256 hash = core::keyed_hash256(key, message);
    for (std::size_t j = 0; j < kNumbersPerHash; ++j) {
      values_[i * kNumbersPerHash + j] =
          load_le64(hash.view().subspan(j * sizeof(std::uint64_t), sizeof(std::uint64_t)));
    }
  }
}

}  // namespace cairn::chunker
