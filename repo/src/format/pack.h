#pragma once

#include <vector>

#include "cairn/core/codec.h"
#include "cairn/core/crypto.h"
#include "cairn/repo/ids.h"
#include "format/frame.h"
#include "format/sealed.h"

/// Packs: header | blocks | sealed directory | segment table | footer. docs/FORMAT.md, "Packs".
namespace cairn::repo::format {

/// What a pack's blocks hold, and thereby which role can open them.
enum class BlockKind : std::uint8_t {
  data = 1,      ///< file contents, sealed to the data key
  metadata = 2,  ///< nodes, sealed to the metadata key
};

[[nodiscard]] bool is_known(BlockKind kind) noexcept;

enum class BlockCodec : std::uint8_t {
  raw = 0,
  zstd = 1,
};

struct PackHeader {
  BlockKind kind = BlockKind::data;
  std::uint32_t epoch = 0;
  Salt salt;
  core::BoxPublicKey ephemeral;
  Commitment commitment;

  friend bool operator==(const PackHeader&, const PackHeader&) = default;
};
/// preamble 8 | kind 1 | zeros 3 | epoch 4 | salt 32 | ephemeral 32 | commitment 32.
inline constexpr std::size_t kPackHeaderBytes = 8 + 4 + 4 + 96;

[[nodiscard]] core::Bytes encode_pack_header(const PackHeader& header);
[[nodiscard]] core::Result<PackHeader> decode_pack_header(core::ByteView input);

/// Where a block's key comes from. Blocks may be moved to another pack without being opened: its
/// directory then also contains their key record.
struct KeyRecord {
  std::uint32_t epoch = 0;
  Salt salt;
  core::BoxPublicKey ephemeral;

  friend bool operator==(const KeyRecord&, const KeyRecord&) = default;
};

struct ChunkRecord {
  ChunkId id;
  std::uint32_t length_bytes = 0;

  friend bool operator==(const ChunkRecord&, const ChunkRecord&) = default;
};

struct BlockRecord {
  std::uint32_t stored_bytes = 0;  ///< ciphertext with its tag
  std::uint32_t plain_bytes = 0;   ///< sum of the chunks' lengths
  BlockCodec codec = BlockCodec::raw;
  std::uint32_t key = 0;            ///< index into PackDirectory::keys
  std::uint32_t key_block = 0;      ///< nonce: its number among the blocks of that key
  std::vector<ChunkRecord> chunks;  ///< end to end in the plaintext, at least one

  friend bool operator==(const BlockRecord&, const BlockRecord&) = default;
};

/// Blocks lie end to end from kPackHeaderBytes on, in this order.
struct PackDirectory {
  BlockKind kind = BlockKind::data;
  std::vector<KeyRecord> keys;      ///< at least one
  std::vector<BlockRecord> blocks;  ///< at least one

  friend bool operator==(const PackDirectory&, const PackDirectory&) = default;
};
inline constexpr std::size_t kBlockPlainBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kBlockStoredBytesMax = kBlockPlainBytesMax + 16;
inline constexpr std::size_t kPackKeysMax = 4096;
inline constexpr std::size_t kPackBlocksMax = 65536;
inline constexpr std::size_t kPackChunksMax = 1024 * 1024;
inline constexpr std::uint64_t kPackBytesMax = 1024ULL * 1024 * 1024;
inline constexpr std::size_t kPackDirectoryBytesMax = 48 * 1024 * 1024;

void encode_pack_directory(core::Encoder& out, const PackDirectory& directory);
/// Reads one directory; the caller calls in.finish() or goes on. Check in.check() before use.
[[nodiscard]] PackDirectory decode_pack_directory(core::Decoder& in);
[[nodiscard]] core::Result<PackDirectory> decode_pack_directory(core::ByteView input);

/// Bytes of one segment of the hash table: fixed, so that the table says nothing about blocks.
inline constexpr std::size_t kPackSegmentBytes = 1024 * 1024;

/// The last bytes of a pack. The pack's name is BLAKE2b-256 over table and footer.
struct PackFooter {
  std::uint64_t covered_bytes = 0;      ///< header, blocks, directory: what the table covers
  std::uint32_t directory_bytes = 0;    ///< sealed directory: the last covered bytes
  std::vector<core::Hash256> segments;  ///< one per kPackSegmentBytes begun

  friend bool operator==(const PackFooter&, const PackFooter&) = default;
};
/// covered_bytes 8 | directory_bytes 4 | segment count 4 | "CAIRNEND" 8.
inline constexpr std::size_t kPackFooterFixedBytes = 24;

/// Table and fixed part, as at the end of the pack.
[[nodiscard]] core::Bytes encode_pack_footer(const PackFooter& footer);
/// How many bytes the whole footer takes, from the pack's last kPackFooterFixedBytes.
[[nodiscard]] core::Result<std::size_t> pack_footer_size(core::ByteView fixed_part,
                                                         std::uint64_t pack_bytes);
/// `tail` is exactly the footer, `pack_bytes` the size of the whole object.
[[nodiscard]] core::Result<PackFooter> decode_pack_footer(core::ByteView tail,
                                                          std::uint64_t pack_bytes);
[[nodiscard]] PackId pack_id(core::ByteView encoded_footer);

/// Associated data of one block: repository, kind, key record, number, codec, lengths.
[[nodiscard]] core::Bytes block_associated_data(const RepositoryId& repository, BlockKind kind,
                                                const KeyRecord& key, const BlockRecord& block);

}  // namespace cairn::repo::format
