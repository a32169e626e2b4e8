#pragma once

#include "hash_lanes_kernels.h"

// BLAKE2b-256 (RFC 7693) of several messages at once: one vector holds word i of all lanes, so that
// each operation of the algorithm is one instruction for all lanes. It uses the compilers' vectors
// instead of intrinsics: the same source makes every kernel, and can be tested on machines that
// lack the processor it is meant for.
//
// Everything here has internal linkage on purpose: each file that includes this is compiled for
// another processor and must have its own copy.
namespace cairn::core::hash_lanes {
namespace {

#define CAIRN_LANES_INLINE inline __attribute__((always_inline))

constexpr std::size_t kBlockBytes = 128;
constexpr std::size_t kBlockWords = 16;
constexpr std::size_t kStateWords = 8;
constexpr std::size_t kHashWords = 4;
constexpr std::uint64_t kWholeBlock = kBlockBytes;
constexpr std::uint64_t kIsLast = ~std::uint64_t{0};

constexpr std::uint64_t kIv[kStateWords] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr std::size_t kRounds = 12;
constexpr unsigned char kSigma[10][kBlockWords] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

/// One message alone: the last one left when all other lanes are empty.
struct OneLane {
  static constexpr std::size_t kLanes = 1;
  using Vector = std::uint64_t;

  template <int Bits>
  static CAIRN_LANES_INLINE void rotate(Vector& x) {
    x = (x >> Bits) | (x << (64 - Bits));
  }
  static CAIRN_LANES_INLINE void load_block(const unsigned char* const* from, Vector* words) {
    __builtin_memcpy(words, from[0], kBlockBytes);
  }
};

/// For AVX2, which rotates by whole bytes with a shuffle.
struct FourLanes {
  static constexpr std::size_t kLanes = 4;
  typedef std::uint64_t Vector __attribute__((vector_size(32)));
  typedef std::uint64_t Unaligned __attribute__((vector_size(32), aligned(1), may_alias));
  typedef unsigned char ByteVector __attribute__((vector_size(32)));

  template <int Bits>
  static CAIRN_LANES_INLINE void rotate(Vector& x) {
    if constexpr (Bits % 8 == 0) {
      constexpr int k = Bits / 8;
      const ByteVector b = __builtin_bit_cast(ByteVector, x);
      x = __builtin_bit_cast(
          Vector,
          __builtin_shufflevector(
              b, b, k % 8, (k + 1) % 8, (k + 2) % 8, (k + 3) % 8, (k + 4) % 8, (k + 5) % 8,
              (k + 6) % 8, (k + 7) % 8, 8 + k % 8, 8 + (k + 1) % 8, 8 + (k + 2) % 8,
              8 + (k + 3) % 8, 8 + (k + 4) % 8, 8 + (k + 5) % 8, 8 + (k + 6) % 8, 8 + (k + 7) % 8,
              16 + k % 8, 16 + (k + 1) % 8, 16 + (k + 2) % 8, 16 + (k + 3) % 8, 16 + (k + 4) % 8,
              16 + (k + 5) % 8, 16 + (k + 6) % 8, 16 + (k + 7) % 8, 24 + k % 8, 24 + (k + 1) % 8,
              24 + (k + 2) % 8, 24 + (k + 3) % 8, 24 + (k + 4) % 8, 24 + (k + 5) % 8,
              24 + (k + 6) % 8, 24 + (k + 7) % 8));
    } else {
      x = (x >> Bits) | (x << (64 - Bits));
    }
  }

  static CAIRN_LANES_INLINE void load(const unsigned char* from, Vector& row) {
    row = *reinterpret_cast<const Unaligned*>(from);
  }
  /// Transposes: words[i] becomes word i of all lanes. Not a loop, because gcc would not unroll it.
  template <std::size_t First = 0>
  static CAIRN_LANES_INLINE void load_block(const unsigned char* const* from, Vector* words) {
    Vector a;
    Vector b;
    Vector c;
    Vector d;
    load(from[0] + 8 * First, a);
    load(from[1] + 8 * First, b);
    load(from[2] + 8 * First, c);
    load(from[3] + 8 * First, d);
    const Vector even_ab = __builtin_shufflevector(a, b, 0, 4, 2, 6);
    const Vector odd_ab = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const Vector even_cd = __builtin_shufflevector(c, d, 0, 4, 2, 6);
    const Vector odd_cd = __builtin_shufflevector(c, d, 1, 5, 3, 7);
    words[First] = __builtin_shufflevector(even_ab, even_cd, 0, 1, 4, 5);
    words[First + 1] = __builtin_shufflevector(odd_ab, odd_cd, 0, 1, 4, 5);
    words[First + 2] = __builtin_shufflevector(even_ab, even_cd, 2, 3, 6, 7);
    words[First + 3] = __builtin_shufflevector(odd_ab, odd_cd, 2, 3, 6, 7);
    if constexpr (First + kLanes < kBlockWords) {
      load_block<First + kLanes>(from, words);
    }
  }
};

/// For AVX-512, which has a rotate instruction: compilers recognise the two shifts as one.
struct EightLanes {
  static constexpr std::size_t kLanes = 8;
  typedef std::uint64_t Vector __attribute__((vector_size(64)));
  typedef std::uint64_t Unaligned __attribute__((vector_size(64), aligned(1), may_alias));

  template <int Bits>
  static CAIRN_LANES_INLINE void rotate(Vector& x) {
    x = (x >> Bits) | (x << (64 - Bits));
  }

  /// Interleaves words of two lanes: a0 b0 a2 b2 a4 b4 a6 b6, and the same of the odd ones.
  static CAIRN_LANES_INLINE void zip(const Vector& a, const Vector& b, Vector& even, Vector& odd) {
    even = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
    odd = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
  /// Gathers the pairs 0 and 2 of both, and the pairs 1 and 3.
  static CAIRN_LANES_INLINE void split(const Vector& a, const Vector& b, Vector& even,
                                       Vector& odd) {
    even = __builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13);
    odd = __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15);
  }

  /// Eight words each of two lanes.
  static CAIRN_LANES_INLINE void load_zipped(const unsigned char* a, const unsigned char* b,
                                             Vector& even, Vector& odd) {
    const Vector x = *reinterpret_cast<const Unaligned*>(a);
    const Vector y = *reinterpret_cast<const Unaligned*>(b);
    zip(x, y, even, odd);
  }
  /// A vector from every second word of `words`, which two zipped lanes each have: the even or odd
  /// ones.
  static CAIRN_LANES_INLINE void gather(const Vector& ab, const Vector& cd, const Vector& ef,
                                        const Vector& gh, Vector* words) {
    Vector low04;
    Vector low26;
    Vector high04;
    Vector high26;
    split(ab, cd, low04, low26);
    split(ef, gh, high04, high26);
    split(low04, high04, words[0], words[4]);
    split(low26, high26, words[2], words[6]);
  }
  /// Transposes: words[i] becomes word i of all lanes. Not a loop, because gcc would not unroll it.
  template <std::size_t First = 0>
  static CAIRN_LANES_INLINE void load_block(const unsigned char* const* from, Vector* words) {
    Vector even[kLanes / 2];
    Vector odd[kLanes / 2];
    load_zipped(from[0] + 8 * First, from[1] + 8 * First, even[0], odd[0]);
    load_zipped(from[2] + 8 * First, from[3] + 8 * First, even[1], odd[1]);
    load_zipped(from[4] + 8 * First, from[5] + 8 * First, even[2], odd[2]);
    load_zipped(from[6] + 8 * First, from[7] + 8 * First, even[3], odd[3]);
    gather(even[0], even[1], even[2], even[3], words + First);
    gather(odd[0], odd[1], odd[2], odd[3], words + First + 1);
    if constexpr (First + kLanes < kBlockWords) {
      load_block<First + kLanes>(from, words);
    }
  }
};

template <class Lanes>
struct State {
  typename Lanes::Vector h[kStateWords];
  typename Lanes::Vector counted;            ///< bytes hashed so far
  const unsigned char* next[Lanes::kLanes];  ///< the next block
};

template <class Lanes, unsigned First, unsigned Second, class Vector>
CAIRN_LANES_INLINE void half_mix(Vector& a, Vector& b, Vector& c, Vector& d, const Vector& word) {
  a += b + word;
  d ^= a;
  Lanes::template rotate<First>(d);
  c += d;
  b ^= c;
  Lanes::template rotate<Second>(b);
}

template <class Lanes, class Vector>
CAIRN_LANES_INLINE void mix(Vector& a, Vector& b, Vector& c, Vector& d, const Vector& x,
                            const Vector& y) {
  half_mix<Lanes, 32, 24>(a, b, c, d, x);
  half_mix<Lanes, 16, 63>(a, b, c, d, y);
}

template <class Lanes, std::size_t Round = 0, class Vector = typename Lanes::Vector>
CAIRN_LANES_INLINE void mix_rounds(Vector* v, const Vector* m) {
  constexpr const unsigned char* s = kSigma[Round % 10];
  mix<Lanes>(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
  mix<Lanes>(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
  mix<Lanes>(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
  mix<Lanes>(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
  mix<Lanes>(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
  mix<Lanes>(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
  mix<Lanes>(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
  mix<Lanes>(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
  if constexpr (Round + 1 < kRounds) {
    mix_rounds<Lanes, Round + 1>(v, m);
  }
}

/// Hashes `blocks` blocks of every lane. Each counts `step` bytes; `last` is kIsLast for lanes
/// whose message ends with this block.
template <class Lanes>
__attribute__((noinline)) void advance(State<Lanes>& state, std::size_t blocks,
                                       const typename Lanes::Vector& step,
                                       const typename Lanes::Vector& last) {
  using Vector = typename Lanes::Vector;
  Vector h[kStateWords];
  for (std::size_t i = 0; i < kStateWords; ++i) {
    h[i] = state.h[i];
  }
  Vector counted = state.counted;
  for (std::size_t block = 0; block < blocks; ++block) {
    Vector m[kBlockWords];
    Lanes::load_block(state.next, m);
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      state.next[lane] += kBlockBytes;
    }
    counted += step;
    Vector v[2 * kStateWords];
    for (std::size_t i = 0; i < kStateWords; ++i) {
      v[i] = h[i];
      v[kStateWords + i] = Vector{} + kIv[i];
    }
    v[12] ^= counted;
    v[14] ^= last;
    mix_rounds<Lanes>(v, m);
    for (std::size_t i = 0; i < kStateWords; ++i) {
      h[i] ^= v[i] ^ v[kStateWords + i];
    }
  }
  for (std::size_t i = 0; i < kStateWords; ++i) {
    state.h[i] = h[i];
  }
  state.counted = counted;
}

/// A message being hashed. All blocks but the last are read in place.
struct Progress {
  unsigned char* hash = nullptr;  ///< nullptr: the lane is empty
  std::size_t blocks_left = 0;    ///< before the last
  std::size_t last_bytes = 0;     ///< 1 to 128
};

/// Where to read the last block: unless it is full, from a copy padded with zeros.
CAIRN_LANES_INLINE const unsigned char* last_block(const unsigned char* from, std::size_t bytes,
                                                   unsigned char* padded) {
  if (bytes == kBlockBytes) {
    return from;
  }
  __builtin_memset(padded, 0, kBlockBytes);
  __builtin_memcpy(padded, from, bytes);
  return padded;
}

/// Keeps all lanes busy: one that has finished its message takes the next.
template <class Lanes>
class Scheduler {
 public:
  explicit Scheduler(const Job& job) noexcept : job_(job) {
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      refill(lane);
    }
  }

  void run() noexcept {
    // With one message left, the work of the other lanes would be wasted.
    while (active_ > 1) {
      run_whole_blocks();
      run_last_blocks();
    }
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      if (lanes_[lane].hash != nullptr) {
        finish_alone(lane);
      }
    }
  }

 private:
  using Vector = typename Lanes::Vector;

  void refill(std::size_t lane) noexcept {
    Progress& progress = lanes_[lane];
    if (taken_ == job_.count) {
      progress.hash = nullptr;
      return;
    }
    const Message& message = job_.messages[taken_++];
    progress.hash = message.hash;
    progress.blocks_left = (message.size - 1) / kBlockBytes;
    progress.last_bytes = message.size - progress.blocks_left * kBlockBytes;
    for (std::size_t i = 0; i < kStateWords; ++i) {
      state_.h[i][lane] = job_.start[i];
    }
    state_.counted[lane] = job_.counted;
    state_.next[lane] = message.data;
    ++active_;
  }

  /// Empty lanes compute too: they read the bytes of a busy lane.
  void point_empty_lanes(std::size_t to) noexcept {
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      if (lanes_[lane].hash == nullptr) {
        state_.next[lane] = state_.next[to];
      }
    }
  }

  void run_whole_blocks() noexcept {
    std::size_t shortest = Lanes::kLanes;
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      if (lanes_[lane].hash != nullptr &&
          (shortest == Lanes::kLanes || lanes_[lane].blocks_left < lanes_[shortest].blocks_left)) {
        shortest = lane;
      }
    }
    const std::size_t blocks = lanes_[shortest].blocks_left;
    if (blocks == 0) {
      return;
    }
    point_empty_lanes(shortest);
    advance<Lanes>(state_, blocks, Vector{} + kWholeBlock, Vector{});
    for (Progress& progress : lanes_) {
      progress.blocks_left -= progress.hash != nullptr ? blocks : 0;
    }
  }

  /// One block, which is the last one of at least one lane.
  void run_last_blocks() noexcept {
    Vector step = Vector{} + kWholeBlock;
    Vector last{};
    std::size_t ending = 0;
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      const Progress& progress = lanes_[lane];
      if (progress.hash != nullptr && progress.blocks_left == 0) {
        state_.next[lane] = last_block(state_.next[lane], progress.last_bytes, padded_[lane]);
        step[lane] = progress.last_bytes;
        last[lane] = kIsLast;
        ending = lane;
      }
    }
    point_empty_lanes(ending);
    advance<Lanes>(state_, 1, step, last);
    for (std::size_t lane = 0; lane < Lanes::kLanes; ++lane) {
      Progress& progress = lanes_[lane];
      if (progress.hash == nullptr) {
        continue;
      }
      if (progress.blocks_left > 0) {
        --progress.blocks_left;
        continue;
      }
      for (std::size_t i = 0; i < kHashWords; ++i) {
        const std::uint64_t word = state_.h[i][lane];
        __builtin_memcpy(progress.hash + 8 * i, &word, sizeof(word));
      }
      --active_;
      refill(lane);
    }
  }

  void finish_alone(std::size_t lane) noexcept {
    const Progress& progress = lanes_[lane];
    State<OneLane> alone;
    for (std::size_t i = 0; i < kStateWords; ++i) {
      alone.h[i] = state_.h[i][lane];
    }
    alone.counted = state_.counted[lane];
    alone.next[0] = state_.next[lane];
    advance<OneLane>(alone, progress.blocks_left, kWholeBlock, 0);
    alone.next[0] = last_block(alone.next[0], progress.last_bytes, padded_[lane]);
    advance<OneLane>(alone, 1, progress.last_bytes, kIsLast);
    __builtin_memcpy(progress.hash, alone.h, kHashWords * sizeof(alone.h[0]));
  }

  const Job& job_;
  std::size_t taken_ = 0;
  std::size_t active_ = 0;
  State<Lanes> state_ = {};
  Progress lanes_[Lanes::kLanes] = {};
  unsigned char padded_[Lanes::kLanes][kBlockBytes] = {};
};

#undef CAIRN_LANES_INLINE

}  // namespace
}  // namespace cairn::core::hash_lanes
