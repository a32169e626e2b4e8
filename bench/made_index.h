#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "cairn/core/result.h"
#include "format/index.h"
#include "format/pack.h"
#include "seeded_data.h"

/// Index segments of numbered chunks, made without any data.
namespace cairn::bench {

inline constexpr std::size_t kChunksPerPack = 2048;
inline constexpr std::size_t kChunksPerBlock = 64;
inline constexpr std::uint32_t kChunkBytes = 16 * 1024;

/// Ends the process on an error: a figure of something that failed means nothing.
template <class T>
T checked(core::Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

template <class Id>
Id numbered_id(std::uint64_t number) {
  Id id;
  test::SeededNumbers numbers(number * 0x100000001b3);
  for (std::size_t i = 0; i < Id::kSize; i += sizeof(std::uint64_t)) {
    const std::uint64_t bits = numbers.next();
    std::memcpy(id.mutable_view().data() + i, &bits, sizeof(bits));
  }
  return id;
}

/// Chunks with the numbers first .. first + count - 1.
inline repo::format::IndexSegment make_segment(std::uint64_t first, std::size_t count) {
  repo::format::IndexSegment segment;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % kChunksPerPack == 0) {
      auto& pack = segment.packs.emplace_back();
      pack.id = numbered_id<repo::PackId>(first + i);
      pack.directory.keys.resize(1);
      pack.size_bytes = repo::format::kPackHeaderBytes + 1000;
    }
    auto& pack = segment.packs.back();
    if (i % kChunksPerBlock == 0) {
      pack.directory.blocks.push_back({.stored_bytes = kChunkBytes, .chunks = {}});
      pack.size_bytes += kChunkBytes;
    }
    auto& block = pack.directory.blocks.back();
    block.chunks.push_back(
        {.id = numbered_id<repo::ChunkId>(first + i), .length_bytes = kChunkBytes});
    block.plain_bytes += kChunkBytes;
  }
  return segment;
}

}  // namespace cairn::bench
