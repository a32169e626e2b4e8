#include "cairn/core/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <gsl/assert>

namespace cairn::core {
namespace {

constexpr std::size_t kVarintBytesMax = 10;
constexpr unsigned kPayloadBits = 7;

template <class Unsigned>
void put_fixed(Bytes& out, Unsigned value) {
  std::array<std::byte, sizeof(Unsigned)> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(value >> (8 * i));
  }
  append(out, bytes);
}

}  // namespace

void Encoder::u16(std::uint16_t value) { put_fixed(out_, value); }
void Encoder::u32(std::uint32_t value) { put_fixed(out_, value); }
void Encoder::u64(std::uint64_t value) { put_fixed(out_, value); }

void Encoder::long_varint(std::uint64_t value) {
  std::array<std::byte, kVarintBytesMax> bytes{};
  std::size_t size = 0;
  while (value >= 0x80) {
    bytes[size++] = static_cast<std::byte>(value | 0x80);
    value >>= kPayloadBits;
  }
  bytes[size++] = static_cast<std::byte>(value);
  append(out_, ByteView(bytes).first(size));
}

void Encoder::svarint(std::int64_t value) {
  // Zigzag: 0, -1, 1, -2 ... become 0, 1, 2, 3 ..., so that small negative numbers stay short.
  const auto bits = static_cast<std::uint64_t>(value);
  varint(value < 0 ? ~(bits << 1) : bits << 1);
}

template <class Unsigned>
Unsigned Decoder::fixed() {
  const ByteView taken = raw(sizeof(Unsigned));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(taken[i]) << (8 * i);
  }
  return static_cast<Unsigned>(value);
}

std::uint16_t Decoder::u16() { return fixed<std::uint16_t>(); }
std::uint32_t Decoder::u32() { return fixed<std::uint32_t>(); }
std::uint64_t Decoder::u64() { return fixed<std::uint64_t>(); }

std::uint64_t Decoder::long_varint(std::uint64_t max) {
  std::uint64_t value = 0;
  const std::size_t available = std::min(rest_.size(), kVarintBytesMax);
  for (std::size_t i = 0; i < available; ++i) {
    const auto byte = std::to_integer<std::uint64_t>(rest_[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) {
      fail_corrupt("a number needs more than 64 bits");
      return 0;
    }
    value |= (byte & 0x7f) << (kPayloadBits * i);
    if (byte >= 0x80) {
      continue;
    }
    if (byte == 0 && i > 0) {
      fail_corrupt("a number has needless bytes");
      return 0;
    }
    if (value > max) {
      fail_limit(fmt::format("{} is above the limit of {}", value, max));
      return 0;
    }
    rest_ = rest_.subspan(i + 1);
    return value;
  }
  fail_truncated(available + 1);
  return 0;
}

std::int64_t Decoder::svarint() {
  const std::uint64_t bits = varint();
  return static_cast<std::int64_t>((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
}

ByteView Decoder::bytes(std::size_t max) {
  const std::uint64_t size = varint(max);
  return raw(static_cast<std::size_t>(size));
}

std::size_t Decoder::count(std::uint64_t max, std::size_t item_bytes_min) {
  Expects(item_bytes_min >= 1);
  const std::uint64_t items = varint(max);
  if (items > rest_.size() / item_bytes_min) {
    fail_corrupt(fmt::format("{} items cannot fit into {} bytes", items, rest_.size()));
    return 0;
  }
  return static_cast<std::size_t>(items);
}

void Decoder::expect_u8(std::uint8_t expected, std::string_view field) {
  const std::uint8_t found = u8();
  if (ok_ && found != expected) {
    fail_corrupt(fmt::format("{} is {}, not {}", field, found, expected));
  }
}

void Decoder::expect_zeros(std::size_t size) {
  const ByteView reserved = raw(size);
  if (std::any_of(reserved.begin(), reserved.end(),
                  [](std::byte b) { return b != std::byte{0}; })) {
    fail_corrupt("reserved bytes are not zero");
  }
}

void Decoder::fail_corrupt(std::string_view reason) { fail_with(ErrorCode::corrupt, reason); }
void Decoder::fail_unsupported(std::string_view reason) {
  fail_with(ErrorCode::unsupported_version, reason);
}
void Decoder::fail_limit(std::string_view reason) { fail_with(ErrorCode::limit_exceeded, reason); }

void Decoder::fail_truncated(std::size_t size) {
  if (ok_) {
    fail_corrupt(fmt::format("{} more bytes expected, {} left", size, rest_.size()));
  }
}

void Decoder::fail_with(ErrorCode code, std::string_view reason) {
  if (!ok_) {
    return;
  }
  ok_ = false;
  code_ = code;
  reason_ = reason;
  failed_at_ = input_size_ - rest_.size();
  rest_ = {};
}

Status Decoder::check() const {
  if (ok_) {
    return {};
  }
  return fail(code_, fmt::format("{}: {} (near byte {})", what_, reason_, failed_at_));
}

Status Decoder::finish() {
  if (!rest_.empty()) {
    fail_corrupt(fmt::format("{} bytes left over", rest_.size()));
  }
  return check();
}

}  // namespace cairn::core
