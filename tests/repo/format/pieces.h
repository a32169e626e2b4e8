#pragma once

#include <algorithm>
#include <cstdint>
#include <gsl/assert>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/core/bytes.h"

/// Records put together by hand, field by field, as docs/FORMAT.md lists them: a second opinion on
/// the encoders, and the way to spoil one field and nothing else.
namespace cairn::test {

class Pieces {
 public:
  Pieces& add(std::string name, core::Bytes bytes) {
    pieces_.emplace_back(std::move(name), std::move(bytes));
    return *this;
  }
  /// A copy with other bytes in one field, which must be there.
  [[nodiscard]] Pieces with(std::string_view name, core::Bytes bytes) const {
    Pieces copy = *this;
    const auto found = std::find_if(copy.pieces_.begin(), copy.pieces_.end(),
                                    [name](const auto& piece) { return piece.first == name; });
    Expects(found != copy.pieces_.end());
    found->second = std::move(bytes);
    return copy;
  }
  [[nodiscard]] Pieces without(std::string_view name) const { return with(name, {}); }

  [[nodiscard]] core::Bytes join() const {
    core::Bytes all;
    for (const auto& piece : pieces_) {
      core::append(all, piece.second);
    }
    return all;
  }

 private:
  std::vector<std::pair<std::string, core::Bytes>> pieces_;
};

// --- Fields
// -----------------------------------------------------------------------------------------

[[nodiscard]] inline core::Bytes fixed(std::uint64_t value, std::size_t size) {
  core::Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  return bytes;
}
[[nodiscard]] inline core::Bytes u8(std::uint64_t value) { return fixed(value, 1); }
[[nodiscard]] inline core::Bytes u16(std::uint64_t value) { return fixed(value, 2); }
[[nodiscard]] inline core::Bytes u32(std::uint64_t value) { return fixed(value, 4); }
[[nodiscard]] inline core::Bytes u64(std::uint64_t value) { return fixed(value, 8); }

[[nodiscard]] inline core::Bytes varint(std::uint64_t value) {
  core::Bytes bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes.push_back(static_cast<std::byte>(value | 0x80));
  }
  bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}
/// A number below 128 in two bytes, where one would do.
[[nodiscard]] inline core::Bytes needless_varint(std::uint8_t value) {
  Expects(value < 0x80);
  return {static_cast<std::byte>(value | 0x80), std::byte{0}};
}
/// Zigzag.
[[nodiscard]] inline core::Bytes svarint(std::int64_t value) {
  const std::uint64_t doubled = static_cast<std::uint64_t>(value) * 2;
  return varint(value < 0 ? ~doubled : doubled);
}

/// `size` bytes that count up from `first`: a key, an id, a hash that is easy to see in a dump.
[[nodiscard]] inline core::Bytes run(std::uint8_t first, std::size_t size = 32) {
  core::Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<std::byte>(first + i));
  }
  return bytes;
}
[[nodiscard]] inline core::Bytes zeros(std::size_t size) {
  core::Bytes bytes;
  bytes.resize(size, std::byte{0});
  return bytes;
}

/// All of them end to end.
template <class... Part>
[[nodiscard]] core::Bytes joined(const Part&... parts) {
  core::Bytes all;
  (core::append(all, parts), ...);
  return all;
}
[[nodiscard]] inline core::Bytes raw(std::string_view text) {
  return core::to_bytes(core::as_view(text));
}
/// Length and bytes.
[[nodiscard]] inline core::Bytes prefixed(const core::Bytes& bytes) {
  return joined(varint(bytes.size()), bytes);
}
[[nodiscard]] inline core::Bytes text(std::string_view text) { return prefixed(raw(text)); }
[[nodiscard]] inline core::Bytes timestamp(std::int64_t seconds, std::uint32_t nanoseconds) {
  return joined(svarint(seconds), varint(nanoseconds));
}

/// An id that run(first) encodes.
template <class IdType>
[[nodiscard]] IdType run_id(std::uint8_t first) {
  return IdType::from(run(first, IdType::kSize));
}

}  // namespace cairn::test
