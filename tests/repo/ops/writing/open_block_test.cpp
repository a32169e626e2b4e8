#include "ops/writing/open_block.h"

#include <string>

#include "catch2.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::repo::ops;

namespace {

ChunkId id_of(std::uint32_t number) {
  core::Bytes bytes(ChunkId::kSize, std::byte{0});
  for (std::size_t i = 0; i < sizeof(number); ++i) {
    bytes[i] = static_cast<std::byte>(number >> (8 * i));
  }
  return ChunkId::from(bytes);
}

/// How many chunks of that size fill it.
std::size_t chunks_to_fill(OpenBlock block, std::size_t chunk_bytes) {
  const core::Bytes chunk(chunk_bytes, std::byte{1});
  std::uint32_t count = 0;
  while (!block.is_full() && count < 100'000) {
    block.add(id_of(count++), chunk);
  }
  return count;
}

OpenBlock block_of(BlockClass block_class, bool follows_raw = false) {
  OpenBlock block;
  block.block_class = block_class;
  block.follows_raw = follows_raw;
  return block;
}

}  // namespace

TEST_CASE("a block is full at the bytes of its class") {
  constexpr std::size_t kChunk = 64 * 1024;
  CHECK(chunks_to_fill(block_of(BlockClass::general), kChunk) == 128);
  CHECK(chunks_to_fill(block_of(BlockClass::compressed), kChunk) == 16);
  CHECK(chunks_to_fill(block_of(BlockClass::nodes), kChunk) == 8);
  CHECK(chunks_to_fill(block_of(BlockClass::pages), kChunk) == 4);
}

TEST_CASE("behind what could not be compressed blocks are small") {
  constexpr std::size_t kChunk = 64 * 1024;
  CHECK(chunks_to_fill(block_of(BlockClass::general, true), kChunk) == 16);
  CHECK(chunks_to_fill(block_of(BlockClass::pages, true), kChunk) == 4);
}

TEST_CASE("a block of tiny chunks is full at their number") {
  CHECK(chunks_to_fill(block_of(BlockClass::general), 30) == 16 * 1024);
}

TEST_CASE("the bytes and ids of a block are those of its chunks, in order") {
  OpenBlock block = block_of(BlockClass::general);
  block.add(id_of(1), core::as_view("one "));
  block.add(id_of(2), core::as_view("two"));
  CHECK(core::to_string(block.plain) == "one two");
  REQUIRE(block.chunks.size() == 2);
  CHECK(block.chunks[0].id == id_of(1));
  CHECK(block.chunks[0].length_bytes == 4);
  CHECK(block.chunks[1].id == id_of(2));
  CHECK(block.chunks[1].length_bytes == 3);
}
