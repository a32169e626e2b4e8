#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/ids.h"

/// A blocked Bloom filter for one sorted run: about 12 bits a chunk, 0.4 % false positives, one
/// cache line per lookup.
///
/// Chunk ids are uniform (keyed hashes), so their own bytes are the hash. The first eight choose
/// the line in proportion to their value, so a run in ascending order fills the lines in ascending
/// order: the filter is written as a stream of pieces, and building it needs memory for one piece
/// whatever the size of the run.
namespace cairn::repo::store {

inline constexpr std::size_t kFilterLineBytes = 64;
inline constexpr std::size_t kFilterPieceLines = 63;
/// A piece fills an LMDB overflow page (16 + 4080 bytes); its header of 48 bytes aligns its lines
/// with cache lines.
inline constexpr std::size_t kFilterPieceHeaderBytes = 48;
inline constexpr std::size_t kFilterPieceBytes =
    kFilterPieceHeaderBytes + kFilterPieceLines * kFilterLineBytes;

/// The first eight bytes of an id as a number in the order of ids.
[[nodiscard]] inline std::uint64_t id_prefix(const std::byte* id) noexcept {
  static_assert(std::endian::native == std::endian::little, "the swap assumes it");
  std::uint64_t value = 0;
  std::memcpy(&value, id, sizeof(value));
  return __builtin_bswap64(value);
}

/// Lines for a run of so many entries; 0: it is too small to need a filter.
[[nodiscard]] std::uint32_t filter_lines(std::uint64_t entries) noexcept;
/// Pieces for so many lines.
[[nodiscard]] std::uint32_t filter_pieces(std::uint32_t lines) noexcept;

/// Where to look for one id in a filter.
class FilterQuestion {
 public:
  explicit FilterQuestion(const ChunkId& id) noexcept;

  [[nodiscard]] std::uint32_t line(std::uint32_t lines) const noexcept;
  /// Starts to bring the line into the cache.
  void prefetch(core::ByteView piece, std::uint32_t line) const noexcept;
  /// `piece` holds the line; false means that the id is not in the run. Requires kFilterPieceBytes.
  [[nodiscard]] bool maybe_in(core::ByteView piece, std::uint32_t line) const noexcept;

 private:
  std::uint64_t prefix_;
  std::uint64_t bits_;
};

/// Takes ids in ascending order and emits all pieces in ascending order.
class FilterBuilder {
 public:
  using Sink = std::function<core::Status(std::uint32_t piece, core::ByteView)>;

  /// With `lines` = 0 it emits nothing.
  FilterBuilder(std::uint32_t lines, Sink sink);
  core::Status add(const std::byte* id, std::uint64_t prefix);
  core::Status finish();

 private:
  core::Status flush();

  Sink sink_;
  core::Bytes piece_;
  std::uint32_t lines_;
  std::uint32_t number_ = 0;  ///< of the piece being filled
};

}  // namespace cairn::repo::store
