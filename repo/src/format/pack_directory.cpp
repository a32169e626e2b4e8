#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <tuple>

#include "cairn/chunker/chunker.h"
#include "format/fields.h"
#include "format/pack.h"

namespace cairn::repo::format {
namespace {

constexpr std::size_t kKeyRecordBytes = 4 + 32 + 32;
constexpr std::size_t kChunkRecordBytesMin = 32 + 1;
/// Five varints, the codec and one chunk.
constexpr std::size_t kBlockRecordBytesMin = 5 + 1 + kChunkRecordBytesMin;
static_assert(kBlockStoredBytesMax == kBlockPlainBytesMax + core::kAeadTagBytes);
static_assert(chunker::kChunkSizeMax <= kBlockPlainBytesMax);

std::string_view defect_of(const BlockRecord& block, std::size_t keys) noexcept {
  if (block.chunks.empty()) {
    return "has no chunks";
  }
  std::uint64_t sum = 0;
  for (const ChunkRecord& chunk : block.chunks) {
    if (chunk.length_bytes == 0 || chunk.length_bytes > chunker::kChunkSizeMax) {
      return "a chunk's length is out of bounds";
    }
    sum += chunk.length_bytes;  // at most kPackChunksMax * kChunkSizeMax: no overflow
  }
  if (sum != block.plain_bytes) {
    return "the chunks' lengths do not add up";
  }
  const std::uint64_t raw_bytes = std::uint64_t{block.plain_bytes} + core::kAeadTagBytes;
  const bool stored_fits =
      block.codec == BlockCodec::raw
          ? block.stored_bytes == raw_bytes
          : block.stored_bytes > core::kAeadTagBytes && block.stored_bytes < raw_bytes;
  if (!stored_fits) {
    return "the stored length does not fit to the plain one";
  }
  return block.key < keys ? "" : "refers to a key that is not listed";
}

/// Checks that need all blocks: sums, and that no key sealed two blocks with one nonce.
std::string_view defect_of(const PackDirectory& directory) {
  const auto& blocks = directory.blocks;
  if (!is_known(directory.kind)) {
    return "unknown kind of blocks";
  }
  if (directory.keys.empty() || blocks.empty()) {
    return "has no keys or no blocks";
  }
  const auto key_order = [](const KeyRecord& a, const KeyRecord& b) {
    return std::tie(a.salt, a.ephemeral, a.epoch) < std::tie(b.salt, b.ephemeral, b.epoch);
  };
  if (directory.keys.size() > 1) {
    std::vector<KeyRecord> keys = directory.keys;
    std::sort(keys.begin(), keys.end(), key_order);
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) {
      return "a key is listed twice";
    }
  }
  std::vector<std::uint64_t> nonces;
  nonces.reserve(blocks.size());
  std::uint64_t stored = kPackHeaderBytes;
  std::size_t chunks = 0;
  for (const BlockRecord& block : blocks) {
    nonces.push_back(std::uint64_t{block.key} << 32 | block.key_block);
    stored += block.stored_bytes;
    chunks += block.chunks.size();
  }
  std::sort(nonces.begin(), nonces.end());
  if (std::adjacent_find(nonces.begin(), nonces.end()) != nonces.end()) {
    return "two blocks have the same key and number";
  }
  return stored <= kPackBytesMax && chunks <= kPackChunksMax ? "" : "the pack is too large";
}

void encode_block(core::Encoder& out, const BlockRecord& block) {
  out.varint(block.stored_bytes);
  out.varint(block.plain_bytes);
  out.u8(static_cast<std::uint8_t>(block.codec));
  out.varint(block.key);
  out.varint(block.key_block);
  out.varint(block.chunks.size());
  for (const ChunkRecord& chunk : block.chunks) {
    encode_id(out, chunk.id);
    out.varint(chunk.length_bytes);
  }
}

BlockCodec decode_codec(core::Decoder& in) {
  const auto codec = static_cast<BlockCodec>(in.u8());
  switch (codec) {
    case BlockCodec::raw:
    case BlockCodec::zstd:
      return codec;
  }
  in.fail_corrupt("unknown codec");
  return BlockCodec::raw;
}

BlockRecord decode_block(core::Decoder& in, std::size_t chunks_max) {
  BlockRecord block;
  block.stored_bytes = static_cast<std::uint32_t>(in.varint(kBlockStoredBytesMax));
  block.plain_bytes = static_cast<std::uint32_t>(in.varint(kBlockPlainBytesMax));
  block.codec = decode_codec(in);
  block.key = static_cast<std::uint32_t>(in.varint(kPackKeysMax - 1));
  block.key_block = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  const std::size_t chunks = in.count(chunks_max, kChunkRecordBytesMin);
  block.chunks.resize(chunks);
  for (ChunkRecord& chunk : block.chunks) {
    chunk.id = decode_id<ChunkId>(in);
    chunk.length_bytes = static_cast<std::uint32_t>(in.varint(chunker::kChunkSizeMax));
  }
  return block;
}

}  // namespace

void encode_pack_directory(core::Encoder& out, const PackDirectory& directory) {
  Expects(defect_of(directory).empty());
  Expects(directory.keys.size() <= kPackKeysMax && directory.blocks.size() <= kPackBlocksMax);
  out.u8(static_cast<std::uint8_t>(directory.kind));
  out.varint(directory.keys.size());
  for (const KeyRecord& key : directory.keys) {
    out.u32(key.epoch);
    encode_id(out, key.salt);
    encode_id(out, key.ephemeral);
  }
  out.varint(directory.blocks.size());
  for (const BlockRecord& block : directory.blocks) {
    Expects(defect_of(block, directory.keys.size()).empty());
    Expects(block.plain_bytes <= kBlockPlainBytesMax);
    encode_block(out, block);
  }
}

PackDirectory decode_pack_directory(core::Decoder& in) {
  PackDirectory directory;
  directory.kind = static_cast<BlockKind>(in.u8());
  if (in.ok() && !is_known(directory.kind)) {
    in.fail_corrupt("unknown kind of blocks");
  }
  directory.keys.resize(in.count(kPackKeysMax, kKeyRecordBytes));
  for (KeyRecord& key : directory.keys) {
    key.epoch = in.u32();
    key.salt = decode_id<Salt>(in);
    key.ephemeral = decode_id<core::BoxPublicKey>(in);
  }
  const std::size_t blocks = in.count(kPackBlocksMax, kBlockRecordBytesMin);
  directory.blocks.reserve(blocks);
  std::size_t chunks_left = kPackChunksMax;
  for (std::size_t i = 0; i < blocks && in.ok(); ++i) {
    directory.blocks.push_back(decode_block(in, chunks_left));
    const BlockRecord& block = directory.blocks.back();
    chunks_left -= block.chunks.size();
    const std::string_view defect =
        in.ok() ? defect_of(block, directory.keys.size()) : std::string_view();
    if (!defect.empty()) {
      in.fail_corrupt(fmt::format("block {} {}", i, defect));
    }
  }
  if (in.ok()) {
    if (const std::string_view defect = defect_of(directory); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  return directory;
}

core::Result<PackDirectory> decode_pack_directory(core::ByteView input) {
  core::Decoder in(input, "pack directory");
  if (input.size() > kPackDirectoryBytesMax) {
    in.fail_limit("it is too long");
  }
  PackDirectory directory = decode_pack_directory(in);
  CAIRN_TRY_STATUS(in.finish());
  return directory;
}

}  // namespace cairn::repo::format
