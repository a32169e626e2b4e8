#include "store/catalogue/run_filter.h"

#include <algorithm>
#include <gsl/assert>
#include <limits>

namespace cairn::repo::store {
namespace {

constexpr std::uint64_t kBitsPerEntry = 12;
constexpr std::uint64_t kBitsPerLine = kFilterLineBytes * 8;
/// A run that fits into one leaf: searching it costs no more than testing a filter.
constexpr std::uint64_t kUnfilteredEntriesMax = 85;

// Seven bits of a line for each id, from 7 x 9 bits of its second eight bytes.
constexpr int kProbes = 7;
constexpr int kProbeBits = 9;
static_assert(1U << kProbeBits == kBitsPerLine);

std::uint64_t probe_bits(const std::byte* id) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, id + sizeof(value), sizeof(value));
  return value;
}

std::uint32_t line_of(std::uint64_t prefix, std::uint32_t lines) noexcept {
  // floor(prefix * lines / 2^64), in two halves: the products fit into 64 bits.
  const std::uint64_t high = (prefix >> 32) * lines;
  const std::uint64_t low = (prefix & 0xFFFFFFFF) * lines;
  return static_cast<std::uint32_t>((high + (low >> 32)) >> 32);
}

template <class Byte>
Byte* line_start(Byte* piece, std::uint32_t line) noexcept {
  return piece + kFilterPieceHeaderBytes + (line % kFilterPieceLines) * kFilterLineBytes;
}

struct Probe {
  std::size_t byte;
  std::byte mask;
};

Probe probe(std::uint64_t bits, int index) noexcept {
  const auto bit = static_cast<unsigned>(bits >> (index * kProbeBits)) % kBitsPerLine;
  return {.byte = bit / 8, .mask = static_cast<std::byte>(1U << (bit % 8))};
}

}  // namespace

std::uint32_t filter_lines(std::uint64_t entries) noexcept {
  if (entries <= kUnfilteredEntriesMax) {
    return 0;
  }
  const std::uint64_t lines = entries / kBitsPerLine * kBitsPerEntry +
                              (entries % kBitsPerLine * kBitsPerEntry) / kBitsPerLine + 1;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(lines, std::numeric_limits<std::uint32_t>::max()));
}

std::uint32_t filter_pieces(std::uint32_t lines) noexcept {
  return static_cast<std::uint32_t>((lines + kFilterPieceLines - 1) / kFilterPieceLines);
}

FilterQuestion::FilterQuestion(const ChunkId& id) noexcept
    : prefix_(id_prefix(id.view().data())), bits_(probe_bits(id.view().data())) {}

std::uint32_t FilterQuestion::line(std::uint32_t lines) const noexcept {
  return line_of(prefix_, lines);
}

void FilterQuestion::prefetch(core::ByteView piece, std::uint32_t line) const noexcept {
  __builtin_prefetch(line_start(piece.data(), line));
}

bool FilterQuestion::maybe_in(core::ByteView piece, std::uint32_t line) const noexcept {
  Expects(piece.size() == kFilterPieceBytes);
  const std::byte* const start = line_start(piece.data(), line);
  for (int i = 0; i < kProbes; ++i) {
    const Probe at = probe(bits_, i);
    if ((start[at.byte] & at.mask) == std::byte{0}) {
      return false;
    }
  }
  return true;
}

FilterBuilder::FilterBuilder(std::uint32_t lines, Sink sink)
    : sink_(std::move(sink)), piece_(kFilterPieceBytes, std::byte{0}), lines_(lines) {}

core::Status FilterBuilder::add(const std::byte* id, std::uint64_t prefix) {
  if (lines_ == 0) {
    return {};
  }
  const std::uint32_t line = line_of(prefix, lines_);
  const auto piece = static_cast<std::uint32_t>(line / kFilterPieceLines);
  while (number_ < piece) {
    CAIRN_TRY_STATUS(flush());
  }
  std::byte* const start = line_start(piece_.data(), line);
  const std::uint64_t bits = probe_bits(id);
  for (int i = 0; i < kProbes; ++i) {
    const Probe at = probe(bits, i);
    start[at.byte] |= at.mask;
  }
  return {};
}

core::Status FilterBuilder::flush() {
  CAIRN_TRY_STATUS(sink_(number_, piece_));
  std::fill(piece_.begin(), piece_.end(), std::byte{0});
  ++number_;
  return {};
}

core::Status FilterBuilder::finish() {
  const std::uint32_t pieces = filter_pieces(lines_);
  while (number_ < pieces) {
    CAIRN_TRY_STATUS(flush());
  }
  return {};
}

}  // namespace cairn::repo::store
