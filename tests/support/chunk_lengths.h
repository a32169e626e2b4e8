#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/core/bytes.h"

/// Cuts whole streams for tests and fuzz targets: with the chunker, and with a slow second
/// implementation written from docs/CHUNKING.md alone.
namespace cairn::test {

/// Lengths of all chunks of `stream`, the last one included. `next_piece(left)` says how many bytes
/// the next call of scan() gets, in [1, left].
template <class NextPiece>
[[nodiscard]] std::vector<std::size_t> chunk_lengths(chunker::Chunker& chunker,
                                                     core::ByteView stream, NextPiece next_piece) {
  std::vector<std::size_t> lengths;
  std::size_t length = 0;
  while (!stream.empty()) {
    core::ByteView piece = stream.first(next_piece(stream.size()));
    const auto cut = chunker.scan(piece);
    const std::size_t used = cut.value_or(piece.size());
    length += used;
    stream = stream.subspan(used);
    if (cut) {
      lengths.push_back(length);
      length = 0;
    }
  }
  if (length != 0) {
    lengths.push_back(length);
  }
  return lengths;
}

[[nodiscard]] inline std::vector<std::size_t> chunk_lengths(chunker::Chunker& chunker,
                                                            core::ByteView stream) {
  return chunk_lengths(chunker, stream, [](std::size_t left) { return left; });
}

/// Sum over the last 64 bytes before `end`: the newest counts once, the one before it twice, ...
[[nodiscard]] inline std::uint64_t naive_window_hash(core::ByteView chunk, std::size_t end,
                                                     const chunker::GearTable& table) {
  std::uint64_t hash = 0;
  for (std::size_t age = 0; age < 64; ++age) {
    hash += table.values()[std::to_integer<std::size_t>(chunk[end - 1 - age])] << age;
  }
  return hash;
}

/// Length of the first chunk of `stream`.
[[nodiscard]] inline std::size_t naive_first_chunk(const chunker::CutParameters& parameters,
                                                   core::ByteView stream,
                                                   const chunker::GearTable& table) {
  const std::size_t limit = std::min<std::size_t>(stream.size(), parameters.size_max);
  if (parameters.kernel == chunker::Kernel::fixed) {
    return limit;
  }
  const int average_bits = std::countr_zero(parameters.size_avg);
  for (std::size_t length = parameters.size_min; length < limit; ++length) {
    const int zero_bits = length < parameters.size_avg ? average_bits + 2 : average_bits - 2;
    if (std::countl_zero(naive_window_hash(stream, length, table)) >= zero_bits) {
      return length;
    }
  }
  return limit;
}

[[nodiscard]] inline std::vector<std::size_t> naive_chunk_lengths(
    const chunker::CutParameters& parameters, core::ByteView stream,
    const chunker::GearTable& table) {
  std::vector<std::size_t> lengths;
  while (!stream.empty()) {
    lengths.push_back(naive_first_chunk(parameters, stream, table));
    stream = stream.subspan(lengths.back());
  }
  return lengths;
}

}  // namespace cairn::test
