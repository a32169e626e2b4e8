#include "repo/protocol/packed_state.h"

#include <concepts>
#include <gsl/assert>

namespace cairn::protocol {
namespace {

template <class T>
std::uint64_t bits_of(const T& value) {
  if constexpr (std::integral<T>) {
    return static_cast<std::uint64_t>(value);
  } else {
    return value.bits();
  }
}

template <class T>
void set_bits(T& value, std::uint64_t bits) {
  if constexpr (std::integral<T>) {
    value = static_cast<T>(bits);
  } else {
    value = T::of_bits(static_cast<unsigned>(bits));
  }
}

class BitWriter {
 public:
  template <class T>
  void operator()(const T& value, unsigned width) {
    const auto bits = bits_of(value);
    Expects(bits >> width == 0);
    const auto word = at_ / 64;
    const auto shift = at_ % 64;
    at_ += width;
    Expects(at_ <= 64 * packed_.size());
    packed_[word] |= bits << shift;
    if (shift + width > 64) {
      packed_[word + 1] |= bits >> (64 - shift);
    }
  }
  [[nodiscard]] const PackedState& packed() const { return packed_; }

 private:
  PackedState packed_{};
  unsigned at_ = 0;
};

class BitReader {
 public:
  explicit BitReader(const PackedState& packed) : packed_(packed) {}
  template <class T>
  void operator()(T& value, unsigned width) {
    const auto word = at_ / 64;
    const auto shift = at_ % 64;
    at_ += width;
    auto bits = packed_[word] >> shift;
    if (shift + width > 64) {
      bits |= packed_[word + 1] << (64 - shift);
    }
    set_bits(value, bits & ((std::uint64_t{1} << width) - 1));
  }

 private:
  const PackedState& packed_;
  unsigned at_ = 0;
};

// Widths. The lone collector's packs, segments and records come last and are in no kept state.
constexpr unsigned kPackBits = kPacks - 1;
constexpr unsigned kRunBits = kRuns;

template <class S, class Field>
void visit_storage(S& storage, Field& field) {
  field(storage.packs, kPackBits);
  for (unsigned pack = kInitialPacks; pack < kPackBits; ++pack) {
    field(storage.chunks[pack], kChunks);
  }
  // What is left by the lone collector has the last number; its copies have one in between.
  field(storage.segments, kSegments - 1);
  for (unsigned run = 0; run < kRuns; ++run) {
    field(storage.what_is_left[run], kPackBits);
    field(storage.records[run], kPackBits);
  }
  field(storage.sessions, kSessions);
  field(storage.snapshots, kSessions);
  field(storage.fences, kSessions);
  field(storage.first_forgotten, 1);
  field(storage.catalogue, kPackBits);
}

template <class W, class Field>
void visit_writer(W& writer, Field& field) {
  field(writer.step, 4);
  field(writer.attempt, 1);
  field(writer.listed, kRunBits);
  field(writer.condemned, kPackBits);
  field(writer.usable, kPackBits);
  field(writer.vouched, kChunks);
  field(writer.own, kChunks);
  field(writer.at_announcement, kRunBits);
}

template <class C, class Field>
void visit_collector(C& collector, Field& field) {
  field(collector.step, 5);
  field(collector.attempt, 1);
  field(collector.listed, kRunBits);
  field(collector.read, kRunBits);
  field(collector.condemned, kPackBits);
  field(collector.seen, kPackBits);
  field(collector.dropped, kPackBits);
  field(collector.marked, kChunks);
  field(collector.doomed, kPackBits);
  field(collector.awaited, kSessions);
  field(collector.segments, kSegments - 1);
  field(collector.left, kPackBits);
}

template <class S, class Field>
void visit_state(const World& world, S& state, Field& field) {
  visit_storage(state.storage, field);
  for (unsigned writer = 0; writer < world.writers; ++writer) {
    visit_writer(state.writers[writer], field);
  }
  for (unsigned collector = 0; collector < world.collectors; ++collector) {
    visit_collector(state.collectors[collector], field);
  }
}

}  // namespace

PackedState pack(const World& world, const State& state) {
  BitWriter field;
  visit_state(world, state, field);
  return field.packed();
}

PackedState pack(const Storage& storage) {
  BitWriter field;
  visit_storage(storage, field);
  return field.packed();
}

State unpack(const World& world, const PackedState& packed) {
  State state = initial_state(world);
  BitReader field(packed);
  visit_state(world, state, field);
  return state;
}

std::uint64_t hash_of(const PackedState& packed) {
  std::uint64_t hash = 0x9e3779b97f4a7c15U;
  for (const auto word : packed) {
    hash = (hash ^ word) * 0xbf58476d1ce4e5b9U;
    hash ^= hash >> 29U;
  }
  return hash;
}

}  // namespace cairn::protocol
