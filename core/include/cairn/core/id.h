#pragma once

#include <array>
#include <compare>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/core/bytes.h"

namespace cairn::core {

/// A fixed-size identifier that cannot be passed where another kind of id is meant.
/// Tag is any (incomplete) type; ids of different tags do not convert into each other.
/// Ids are public values (hashes, random names), never secrets: comparison is not constant-time.
template <class Tag, std::size_t Size = 32>
class Id {
 public:
  static constexpr std::size_t kSize = Size;

  constexpr Id() noexcept : bytes_{} {}
  explicit constexpr Id(const std::array<std::byte, Size>& bytes) noexcept : bytes_(bytes) {}

  /// Requires bytes.size() == Size.
  [[nodiscard]] static Id from(ByteView bytes);
  /// Parses exactly 2 * Size lower-case hexadecimal digits.
  [[nodiscard]] static std::optional<Id> from_hex(std::string_view text);

  [[nodiscard]] ByteView view() const noexcept { return bytes_; }
  [[nodiscard]] MutableByteView mutable_view() noexcept { return bytes_; }
  [[nodiscard]] std::string hex() const { return to_hex(bytes_); }
  /// The first eight digits: enough for a message, not for naming an object.
  [[nodiscard]] std::string short_hex() const { return to_hex(ByteView(bytes_).first(4)); }
  [[nodiscard]] bool is_zero() const noexcept { return *this == Id(); }

  friend auto operator<=>(const Id&, const Id&) = default;
  friend bool operator==(const Id&, const Id&) = default;

 private:
  std::array<std::byte, Size> bytes_;
};

/// Value of one hexadecimal digit, or -1. Lower case only, so that an id has one spelling.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Fills `out` from exactly 2 * out.size() digits; false if the text is anything else.
[[nodiscard]] bool parse_hex(std::string_view text, MutableByteView out) noexcept;

/// Ends the process if the sizes differ, which is a bug.
void copy_exact(MutableByteView to, ByteView from);

template <class Tag, std::size_t Size>
Id<Tag, Size> Id<Tag, Size>::from(ByteView bytes) {
  Id id;
  copy_exact(id.bytes_, bytes);
  return id;
}

template <class Tag, std::size_t Size>
std::optional<Id<Tag, Size>> Id<Tag, Size>::from_hex(std::string_view text) {
  Id id;
  if (!parse_hex(text, id.bytes_)) {
    return std::nullopt;
  }
  return id;
}

}  // namespace cairn::core

/// Ids are uniform (hashes or random), so their first eight bytes already are a hash.
template <class Tag, std::size_t Size>
struct std::hash<cairn::core::Id<Tag, Size>> {
  std::size_t operator()(const cairn::core::Id<Tag, Size>& id) const noexcept {
    static_assert(Size >= sizeof(std::size_t));
    std::size_t value = 0;
    std::memcpy(&value, id.view().data(), sizeof(value));
    return value;
  }
};
