#include "cairn/chunker/chunker.h"

#include <algorithm>
#include <bit>
#include <gsl/assert>

namespace cairn::chunker {
namespace {

using Table = std::array<std::uint64_t, 256>;

/// A shift of one bit per byte pushes a byte out of a 64-bit hash after 64 bytes: the hash depends
/// only on this many last bytes.
constexpr std::uint32_t kWindowBytes = 64;
constexpr std::uint32_t kGearAverageMin = 256;
constexpr std::uint32_t kFixedSizeMin = 512;

/// Normalised chunking, level 2: this many bits more before the average, and fewer after it.
constexpr int kNormalisation = 2;

/// The `bits` highest bits. The high bits of Gear depend on the most bytes.
constexpr std::uint64_t high_mask(int bits) noexcept { return ~std::uint64_t{0} << (64 - bits); }

inline std::uint64_t look_up(const Table& table, std::byte byte) noexcept {
  std::uint64_t value = table[std::to_integer<std::size_t>(byte)];
#if defined(__x86_64__)
  // Keeps the load a separate instruction, so that the update becomes one lea (1 cycle). Compilers
  // like to fold the load into the addition; shift and addition then take two cycles, and the whole
  // kernel twice the time.
  __asm__("" : "+r"(value));
#endif
  return value;
}

/// Where hashing a run of bytes stopped, and the hash there.
struct Rolled {
  std::size_t position;  ///< of the byte that met the condition; the run's size if none did
  std::uint64_t hash;
};

std::uint64_t roll(core::ByteView run, std::uint64_t hash, const Table& table) noexcept {
  for (const std::byte byte : run) {
    hash = (hash << 1) + look_up(table, byte);
  }
  return hash;
}

/// The inner loop: hashes until (hash & mask) == 0.
Rolled roll_until(core::ByteView run, std::uint64_t hash, std::uint64_t mask,
                  const Table& table) noexcept {
  const std::byte* const data = run.data();
  const std::size_t size = run.size();
  std::size_t i = 0;
  for (; size - i >= 4; i += 4) {
    hash = (hash << 1) + look_up(table, data[i]);
    if ((hash & mask) == 0) {
      return {i, hash};
    }
    hash = (hash << 1) + look_up(table, data[i + 1]);
    if ((hash & mask) == 0) {
      return {i + 1, hash};
    }
    hash = (hash << 1) + look_up(table, data[i + 2]);
    if ((hash & mask) == 0) {
      return {i + 2, hash};
    }
    hash = (hash << 1) + look_up(table, data[i + 3]);
    if ((hash & mask) == 0) {
      return {i + 3, hash};
    }
  }
  for (; i < size; ++i) {
    hash = (hash << 1) + look_up(table, data[i]);
    if ((hash & mask) == 0) {
      return {i, hash};
    }
  }
  return {size, hash};
}

}  // namespace

bool valid(const CutParameters& parameters) noexcept {
  const auto [kernel, size_min, size_avg, size_max] = parameters;
  switch (kernel) {
    case Kernel::fixed:
      return size_min == size_avg && size_avg == size_max && kFixedSizeMin <= size_avg &&
             size_avg <= kChunkSizeMax;
    case Kernel::gear:
      return kWindowBytes <= size_min && size_min <= size_avg && size_avg <= size_max &&
             size_max <= kChunkSizeMax && kGearAverageMin <= size_avg &&
             std::has_single_bit(size_avg);
  }
  return false;  // a number read from a config that this version does not know
}

Chunker::Chunker(const CutParameters& parameters, const GearTable& table) noexcept
    : table_(&table.values()) {
  reset(parameters);
}

void Chunker::reset() noexcept {
  hash_ = 0;
  pending_ = 0;
}

void Chunker::reset(const CutParameters& parameters) noexcept {
  Expects(valid(parameters));
  parameters_ = parameters;
  if (parameters.kernel == Kernel::gear) {
    const int bits = std::countr_zero(parameters.size_avg);
    mask_strict_ = high_mask(bits + kNormalisation);
    mask_loose_ = high_mask(bits - kNormalisation);
  }
  reset();
}

std::optional<std::size_t> Chunker::scan(core::ByteView input) noexcept {
  Expects(!input.empty());
  return parameters_.kernel == Kernel::fixed ? scan_fixed(input) : scan_gear(input);
}

std::optional<std::size_t> Chunker::scan_fixed(core::ByteView input) noexcept {
  const std::size_t missing = parameters_.size_avg - pending_;
  if (input.size() < missing) {
    pending_ += static_cast<std::uint32_t>(input.size());
    return std::nullopt;
  }
  reset();
  return missing;
}

// Let n be the number of bytes since the last boundary. The byte that makes n = size_max always
// ends the chunk; one that makes n >= size_min does if the hash of the last 64 bytes meets the mask
// of its range. Bytes before the first window are skipped, the next 63 are hashed without a test.
std::optional<std::size_t> Chunker::scan_gear(core::ByteView input) noexcept {
  const auto [kernel, size_min, size_avg, size_max] = parameters_;
  const std::uint32_t start = pending_;
  // Bytes of the input before `limit`, which counts from the last boundary.
  const auto bytes_before = [start, &input](std::uint32_t limit) {
    return limit <= start ? 0 : std::min<std::size_t>(limit - start, input.size());
  };
  const auto between = [&input](std::size_t from, std::size_t to) {
    return input.subspan(from, to - from);
  };

  const std::size_t window = bytes_before(size_min - kWindowBytes);
  const std::size_t strict = bytes_before(size_min - 1);
  const std::size_t loose = bytes_before(size_avg - 1);
  const std::size_t last = bytes_before(size_max - 1);

  std::uint64_t hash = roll(between(window, strict), hash_, *table_);
  Rolled rolled = roll_until(between(strict, loose), hash, mask_strict_, *table_);
  if (rolled.position < loose - strict) {
    reset();
    return strict + rolled.position + 1;
  }
  rolled = roll_until(between(loose, last), rolled.hash, mask_loose_, *table_);
  if (rolled.position < last - loose || last < input.size()) {
    reset();
    return loose + rolled.position + 1;
  }
  hash_ = rolled.hash;
  pending_ += static_cast<std::uint32_t>(input.size());
  return std::nullopt;
}

}  // namespace cairn::chunker
