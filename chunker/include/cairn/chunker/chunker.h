#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "cairn/core/bytes.h"

/// Finds where a stream of bytes is cut into chunks.
namespace cairn::chunker {

/// The function that decides. The numbers are part of the repository's format.
enum class Kernel : std::uint8_t {
  fixed = 0,  ///< every size_avg bytes, counted from the start of the stream
  gear = 1,   ///< keyed Gear with normalised chunking, level 2
};

/// How one stream is cut. Sizes in bytes. For `fixed`, min = avg = max.
struct CutParameters {
  Kernel kernel = Kernel::gear;
  std::uint32_t size_min = 4 * 1024;
  std::uint32_t size_avg = 16 * 1024;
  std::uint32_t size_max = 256 * 1024;

  friend bool operator==(const CutParameters&, const CutParameters&) = default;
};

/// No chunk of any repository is larger; decoders check against it.
inline constexpr std::uint32_t kChunkSizeMax = 8 * 1024 * 1024;

/// True if a Chunker can be made: gear needs 64 <= min <= avg <= max <= kChunkSizeMax and avg a
/// power of two >= 256; fixed needs min == avg == max, 512 <= avg <= kChunkSizeMax.
[[nodiscard]] bool valid(const CutParameters& parameters) noexcept;

/// 256 secret 64-bit numbers expanded from the repository's chunker key. Immutable, shared by all
/// chunkers of a repository. 2 KiB.
class GearTable {
 public:
  /// Requires key.size() == 32. Expansion is part of the format (docs/CHUNKING.md).
  explicit GearTable(core::ByteView key);
  [[nodiscard]] const std::array<std::uint64_t, 256>& values() const noexcept { return values_; }

 private:
  std::array<std::uint64_t, 256> values_;
};

/// Cuts one stream. Deterministic: boundaries depend only on the parameters, the table and the
/// bytes since the last boundary, never on how the input is split over scan() calls. Not
/// thread-safe; allocates nothing after construction. The table must outlive it.
class Chunker {
 public:
  /// Requires valid(parameters).
  Chunker(const CutParameters& parameters, const GearTable& table) noexcept;

  /// Returns n in [1, input.size()] if a chunk ends after input[n-1]: call again with the rest.
  /// nullopt if all input was consumed without a boundary. What is left at the end of the stream
  /// is the last chunk and may be shorter than size_min. Requires a non-empty input.
  [[nodiscard]] std::optional<std::size_t> scan(core::ByteView input) noexcept;

  /// Forgets the bytes since the last boundary: the start of a new stream, or of data after a hole.
  void reset() noexcept;
  /// As reset(), for a stream with other parameters. Requires valid(parameters).
  void reset(const CutParameters& parameters) noexcept;

 private:
  std::optional<std::size_t> scan_fixed(core::ByteView input) noexcept;
  std::optional<std::size_t> scan_gear(core::ByteView input) noexcept;

  CutParameters parameters_;
  const std::array<std::uint64_t, 256>* table_;
  std::uint64_t hash_ = 0;
  std::uint32_t pending_ = 0;      ///< bytes since the last boundary
  std::uint64_t mask_strict_ = 0;  ///< before size_avg
  std::uint64_t mask_loose_ = 0;   ///< from size_avg on
};

}  // namespace cairn::chunker
