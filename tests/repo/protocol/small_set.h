#pragma once

#include <bit>
#include <cstdint>

namespace cairn::protocol {

/// A set of small numbers (below 16), of one kind: packs and records do not mix.
template <class Tag>
class SmallSet {
 public:
  class Iterator {
   public:
    constexpr explicit Iterator(unsigned bits) : bits_(bits) {}
    constexpr unsigned operator*() const { return static_cast<unsigned>(std::countr_zero(bits_)); }
    constexpr Iterator& operator++() {
      bits_ &= bits_ - 1;
      return *this;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    unsigned bits_;
  };

  constexpr SmallSet() = default;
  /// The numbers whose bits are set.
  static constexpr SmallSet of_bits(unsigned bits) {
    SmallSet set;
    set.bits_ = static_cast<std::uint16_t>(bits);
    return set;
  }
  static constexpr SmallSet of(unsigned member) { return of_bits(1U << member); }
  /// 0 .. count - 1
  static constexpr SmallSet first(unsigned count) { return of_bits((1U << count) - 1); }

  [[nodiscard]] constexpr unsigned bits() const { return bits_; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr bool has(unsigned member) const { return ((bits_ >> member) & 1U) != 0; }
  [[nodiscard]] constexpr bool has_all(SmallSet others) const { return (others - *this).empty(); }
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(bits_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(0); }

  constexpr void add(unsigned member) { *this = *this | of(member); }
  constexpr void remove(unsigned member) { *this = *this - of(member); }

  friend constexpr SmallSet operator|(SmallSet a, SmallSet b) {
    return of_bits(a.bits() | b.bits());
  }
  friend constexpr SmallSet operator&(SmallSet a, SmallSet b) {
    return of_bits(a.bits() & b.bits());
  }
  friend constexpr SmallSet operator-(SmallSet a, SmallSet b) {
    return of_bits(a.bits() & ~b.bits());
  }
  constexpr bool operator==(const SmallSet&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

using ChunkSet = SmallSet<struct ChunkTag>;
using PackSet = SmallSet<struct PackTag>;
using SegmentSet = SmallSet<struct SegmentTag>;
using RecordSet = SmallSet<struct RecordTag>;
using SessionSet = SmallSet<struct SessionTag>;

}  // namespace cairn::protocol
