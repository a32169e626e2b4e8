#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

/// The only writer and the only reader of Cairn's binary records.
///
/// Encoding rules (docs/FORMAT.md, "Primitive encodings"): fixed-width integers are little-endian;
/// a varint is unsigned LEB128 in the fewest bytes, at most ten; a signed varint is zigzag-mapped
/// first; a byte string is its length as a varint, then its bytes. One value has one encoding:
/// the decoder refuses varints with needless bytes, and finish() refuses bytes left over.
namespace cairn::core {

/// Appends to a buffer it owns. Not thread-safe. Never fails: the caller checks limits.
class Encoder {
 public:
  Encoder() = default;
  /// Continues after the contents of `start` (reuse of a buffer).
  explicit Encoder(Bytes start) : out_(std::move(start)) {}

  void u8(std::uint8_t value) {
    if (out_.size() == out_.capacity()) {
      grow_capacity(out_, 1);
    }
    out_.push_back(static_cast<std::byte>(value));
  }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void varint(std::uint64_t value) {
    if (value < 0x80) {
      u8(static_cast<std::uint8_t>(value));
    } else {
      long_varint(value);
    }
  }
  void svarint(std::int64_t value);
  /// Bytes without a length: for fields whose size is fixed.
  void raw(ByteView bytes) { append(out_, bytes); }
  /// Length as a varint, then the bytes.
  void bytes(ByteView bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  void bytes(std::string_view text) { bytes(as_view(text)); }

  [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }
  [[nodiscard]] ByteView view() const noexcept { return out_; }
  [[nodiscard]] Bytes take() && { return std::move(out_); }

 private:
  void long_varint(std::uint64_t value);

  Bytes out_;
};

/// Reads from a view that must outlive it. Not thread-safe.
///
/// Errors are sticky: after the first one every read returns zero or empty and ok() is false, so a
/// record can be read straight through and checked once, before any value is used. Lengths are
/// checked against their maximum and against what is left before anything is allocated.
class Decoder {
 public:
  /// `what` names the record in messages ("directory node"); it must outlive the decoder.
  Decoder(ByteView input, std::string_view what) noexcept
      : rest_(input), what_(what), input_size_(input.size()) {}

  [[nodiscard]] std::uint8_t u8() {
    const ByteView taken = raw(1);
    return taken.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(taken.front());
  }
  [[nodiscard]] std::uint16_t u16();
  [[nodiscard]] std::uint32_t u32();
  [[nodiscard]] std::uint64_t u64();
  /// Fails with limit_exceeded if the value is above `max`.
  [[nodiscard]] std::uint64_t varint(std::uint64_t max = UINT64_MAX) {
    if (!rest_.empty() && rest_.front() < std::byte{0x80}) {
      const auto value = std::to_integer<std::uint64_t>(rest_.front());
      if (value <= max) {
        rest_ = rest_.subspan(1);
        return value;
      }
    }
    return long_varint(max);
  }
  [[nodiscard]] std::int64_t svarint();
  /// A view of exactly `size` bytes of the input; empty on failure.
  [[nodiscard]] ByteView raw(std::size_t size) {
    if (size > rest_.size()) {
      fail_truncated(size);
      return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  /// Length-prefixed bytes, at most `max` of them.
  [[nodiscard]] ByteView bytes(std::size_t max);
  [[nodiscard]] std::string text(std::size_t max) { return to_string(bytes(max)); }
  /// A count of items that take at least `item_bytes_min` (>= 1) bytes each: bounded by `max` and
  /// by what the rest of the input can hold, so that it is safe to reserve.
  [[nodiscard]] std::size_t count(std::uint64_t max, std::size_t item_bytes_min);
  /// Fails unless the byte equals `expected`.
  void expect_u8(std::uint8_t expected, std::string_view field);
  /// Fails unless `size` zero bytes follow (reserved space).
  void expect_zeros(std::size_t size);

  /// Marks the record corrupt for a reason that the caller found (unsorted names, unknown enum
  /// value).
  void fail_corrupt(std::string_view reason);
  void fail_unsupported(std::string_view reason);
  void fail_limit(std::string_view reason);

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }
  [[nodiscard]] ByteView rest() const noexcept { return rest_; }

  /// The error, or success if all input was read without one. To be called once, at the end.
  Status finish();
  /// The error so far, or success; bytes may be left.
  Status check() const;

 private:
  std::uint64_t long_varint(std::uint64_t max);
  template <class Unsigned>
  Unsigned fixed();
  void fail_truncated(std::size_t size);
  void fail_with(ErrorCode code, std::string_view reason);

  ByteView rest_;  ///< empty after a failure, so that no read needs to look at ok_
  std::string_view what_;
  std::string reason_;
  std::size_t input_size_;
  std::size_t failed_at_ = 0;
  ErrorCode code_ = ErrorCode::corrupt;
  bool ok_ = true;
};

}  // namespace cairn::core
