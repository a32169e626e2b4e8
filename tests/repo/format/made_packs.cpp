// Packs and the index segments that list them.

#include "made_vectors.h"

namespace cairn::test {
namespace {

constexpr std::uint64_t kSegment = 1024 * 1024;

Pieces header_pieces() {
  Pieces pieces;
  pieces.add("magic", raw("CAIRN"))
      .add("object kind", u8(3))
      .add("version", u16(1))
      .add("kind", u8(1))
      .add("reserved", zeros(3))
      .add("epoch", u32(1))
      .add("salt", run(0x10))
      .add("ephemeral", run(0x30))
      .add("commitment", run(0x50));
  return pieces;
}

core::Bytes key(std::uint8_t salt) { return joined(u32(1), run(salt), run(0x30)); }

core::Bytes chunk(std::uint8_t id, std::uint32_t length) { return joined(run(id), varint(length)); }

/// What a block says before its chunks.
struct BlockHead {
  std::uint64_t stored;
  std::uint64_t plain;
  std::uint8_t codec = 0;
  std::uint64_t key = 0;
  std::uint64_t key_block = 0;
};

core::Bytes block(const BlockHead& head, std::uint64_t chunk_count, const core::Bytes& chunks) {
  return joined(varint(head.stored), varint(head.plain), u8(head.codec), varint(head.key),
                varint(head.key_block), varint(chunk_count), chunks);
}

core::Bytes raw_block() { return block({.stored = 116, .plain = 100}, 1, chunk(0xa0, 100)); }

Pieces directory_pieces() {
  Pieces pieces;
  pieces.add("kind", u8(1))
      .add("key count", varint(1))
      .add("keys", key(0x10))
      .add("block count", varint(1))
      .add("blocks", raw_block());
  return pieces;
}

/// A directory of one block.
Pieces with_block(const BlockHead& head, const core::Bytes& chunks, std::uint64_t chunk_count = 1) {
  return directory_pieces().with("blocks", block(head, chunk_count, chunks));
}

/// One block compressed, one moved here from another pack.
Pieces two_blocks() {
  const core::Bytes moved =
      block({.stored = 5016, .plain = 5000, .key = 1, .key_block = 17}, 1, chunk(0xa0, 5000));
  const core::Bytes compressed = block({.stored = 5000, .plain = 9000, .codec = 1, .key_block = 0},
                                       2, joined(chunk(0xb0, 4000), chunk(0xc0, 5000)));
  return directory_pieces()
      .with("kind", u8(2))
      .with("key count", varint(2))
      .with("keys", joined(key(0x10), key(0x11)))
      .with("block count", varint(2))
      .with("blocks", joined(compressed, moved));
}

Pieces footer_pieces() {
  const std::uint64_t covered = kSegment + 1;
  Pieces pieces;
  pieces.add("pack size", u64(covered + 2 * 32 + 24))
      .add("segments", joined(run(0x20), run(0x40)))
      .add("covered", u64(covered))
      .add("directory", u32(1000))
      .add("count", u32(2))
      .add("end", raw("CAIRNEND"));
  return pieces;
}

/// A footer of one segment.
Pieces small_footer(std::uint64_t covered, std::uint32_t directory) {
  return footer_pieces()
      .with("pack size", u64(covered + 32 + 24))
      .with("segments", run(0x20))
      .with("covered", u64(covered))
      .with("directory", u32(directory))
      .with("count", u32(1));
}

/// Header, one block of 116 bytes, a directory with its tag, one segment, footer.
core::Bytes indexed_pack(std::uint8_t id, std::uint64_t size = 112 + 116 + 200 + 32 + 24) {
  return joined(run(id), varint(size), directory_pieces().join());
}

Pieces segment_pieces() {
  Pieces pieces;
  pieces.add("replace count", varint(2))
      .add("replaces", joined(run(0x10), run(0x11)))
      .add("pack count", varint(1))
      .add("packs", indexed_pack(0x70));
  return pieces;
}

}  // namespace

std::vector<Vector> pack_header_vectors() {
  const Pieces good = header_pieces();
  VectorList list("pack_header");
  list.ok("data", good)
      .ok("metadata", good.with("kind", u8(2)))
      .corrupt("another magic", "not an object", good.with("magic", raw("cairn")))
      .corrupt("another object", "this is a config", good.with("object kind", u8(1)))
      .unsupported("version 2", "format version 2", good.with("version", u16(2)))
      .corrupt("version 0", "version 0", good.with("version", u16(0)))
      .corrupt("kind 0", "unknown kind", good.with("kind", u8(0)))
      .corrupt("kind 3", "unknown kind", good.with("kind", u8(3)))
      .corrupt("first reserved byte", "reserved bytes",
               good.with("reserved", joined(u8(1), zeros(2))))
      .corrupt("last reserved byte", "reserved bytes",
               good.with("reserved", joined(zeros(2), u8(1))))
      .cut_and_grown("pack", good.join());
  return std::move(list).take();
}

std::vector<Vector> pack_directory_vectors() {
  const Pieces good = directory_pieces();
  const Pieces two = two_blocks();
  const core::Bytes one_chunk = chunk(0xa0, 100);
  VectorList list("pack_directory");
  list.ok("one raw block", good)
      .ok("a compressed and a moved block", two)
      .ok("largest key block",
          with_block({.stored = 116, .plain = 100, .key_block = UINT32_MAX}, one_chunk))
      .ok("one byte", with_block({.stored = 17, .plain = 1}, chunk(0xa0, 1)))
      .corrupt("kind 0", "unknown kind", good.with("kind", u8(0)))
      .corrupt("kind 3", "unknown kind", good.with("kind", u8(3)))
      .corrupt("no keys", "not listed", good.with("key count", varint(0)).without("keys"))
      .corrupt("no keys and no blocks", "no keys or no blocks",
               good.with("key count", varint(0))
                   .without("keys")
                   .with("block count", varint(0))
                   .without("blocks"))
      .corrupt("no blocks", "no keys or no blocks",
               good.with("block count", varint(0)).without("blocks"))
      .limit("keys above the limit", "above the limit", good.with("key count", varint(4097)))
      .corrupt("more keys than bytes", "cannot fit", good.with("key count", varint(100)))
      .limit("blocks above the limit", "above the limit", good.with("block count", varint(65537)))
      .corrupt("more blocks than bytes", "cannot fit", good.with("block count", varint(100)))
      .corrupt("a key twice", "listed twice", two.with("keys", joined(key(0x10), key(0x10))))
      .corrupt("a key that is not listed", "not listed",
               with_block({.stored = 116, .plain = 100, .key = 1}, one_chunk))
      .limit("key above the limit", "above the limit",
             with_block({.stored = 116, .plain = 100, .key = 4096}, one_chunk))
      .limit("key block above the limit", "above the limit",
             with_block({.stored = 116, .plain = 100, .key_block = 1ULL << 32}, one_chunk))
      .corrupt("a key and number twice", "same key and number",
               good.with("block count", varint(2)).with("blocks", joined(raw_block(), raw_block())))
      .corrupt("unknown codec", "unknown codec",
               with_block({.stored = 116, .plain = 100, .codec = 2}, one_chunk))
      .corrupt("raw but shorter", "stored length",
               with_block({.stored = 115, .plain = 100}, one_chunk))
      .corrupt("raw but longer", "stored length",
               with_block({.stored = 117, .plain = 100}, one_chunk))
      .corrupt("compressed to the same length", "stored length",
               with_block({.stored = 116, .plain = 100, .codec = 1}, one_chunk))
      .corrupt("compressed to nothing", "stored length",
               with_block({.stored = 16, .plain = 100, .codec = 1}, one_chunk))
      .limit("stored above the limit", "above the limit",
             with_block({.stored = 16 * kSegment + 17, .plain = 100}, one_chunk))
      .limit("plain above the limit", "above the limit",
             with_block({.stored = 116, .plain = 16 * kSegment + 1}, one_chunk))
      .corrupt(
          "no chunks", "block 1 has no chunks",
          good.with("block count", varint(2))
              .with("blocks", joined(block({.stored = 316, .plain = 300}, 2,
                                           joined(one_chunk, chunk(0xb0, 200))),
                                     block({.stored = 16, .plain = 0, .key_block = 1}, 0, {}))))
      .corrupt("an empty chunk", "length is out of bounds",
               with_block({.stored = 116, .plain = 100}, joined(one_chunk, chunk(0xb0, 0)), 2))
      .limit("a chunk above the limit", "above the limit",
             with_block({.stored = 116, .plain = 100}, chunk(0xa0, 8 * kSegment + 1)))
      .corrupt("chunks that do not add up", "do not add up",
               with_block({.stored = 117, .plain = 101}, one_chunk))
      .limit("chunks above the limit", "above the limit",
             with_block({.stored = 116, .plain = 100}, one_chunk, kSegment + 1))
      .corrupt("more chunks than bytes", "cannot fit",
               with_block({.stored = 116, .plain = 100}, one_chunk, 2))
      .corrupt("number in two bytes", "needless bytes", good.with("key count", needless_varint(1)))
      .cut_and_grown("pack directory", good.join());
  return std::move(list).take();
}

std::vector<Vector> pack_footer_vectors() {
  const Pieces good = footer_pieces();
  const std::uint64_t limit = 1024 * kSegment;
  VectorList list("pack_footer");
  list.ok("two segments", good)
      .ok("smallest", small_footer(112 + 17 + 17, 17))
      .ok("one full segment", small_footer(kSegment, 1000))
      .corrupt("another end", "end mark", good.with("end", raw("CAIRNENd")))
      .corrupt("pack of another size", "its footer says",
               good.with("pack size", u64(kSegment + 1 + 2 * 32 + 25)))
      .corrupt("a segment too few", "number of segments",
               good.with("segments", run(0x20)).with("count", u32(1)))
      .corrupt("a segment too many", "number of segments",
               small_footer(kSegment, 1000)
                   .with("count", u32(2))
                   .with("segments", joined(run(0x20), run(0x40))))
      .corrupt("a segment missing from the table", "bytes, not", good.with("segments", run(0x20)))
      .corrupt("directory shorter than its tag", "shorter than its tag",
               good.with("directory", u32(16)))
      .corrupt("directory over the blocks", "do not fit", small_footer(112 + 17 + 17, 18))
      .corrupt("directory larger than the pack", "do not fit", small_footer(1000, 1000))
      .limit("directory above the limit", "too large",
             good.with("directory", u32(48 * 1024 * 1024 + 17)))
      .limit("covered above the limit", "too large", good.with("covered", u64(limit + 1)))
      .limit("covered at its largest", "too large", good.with("covered", u64(UINT64_MAX)))
      .cut_and_grown("pack footer", good.join());
  return std::move(list).take();
}

std::vector<Vector> index_segment_vectors() {
  const Pieces good = segment_pieces();
  const auto two_packs = [&good](std::uint8_t first, std::uint8_t second) {
    return good.with("pack count", varint(2))
        .with("packs", joined(indexed_pack(first), indexed_pack(second)));
  };
  VectorList list("index_segment");
  list.ok("replaces two and lists one", good)
      .ok("two packs", two_packs(0x70, 0x71))
      .ok("nothing", joined(varint(0), varint(0)))
      .corrupt("replaces that descend", "replaced segments",
               good.with("replaces", joined(run(0x11), run(0x10))))
      .corrupt("replaces the same twice", "replaced segments",
               good.with("replaces", joined(run(0x10), run(0x10))))
      .corrupt("packs that descend", "packs are not in order", two_packs(0x71, 0x70))
      .corrupt("a pack twice", "packs are not in order", two_packs(0x70, 0x70))
      .corrupt("pack smaller than its blocks", "smaller than its blocks",
               good.with("packs", indexed_pack(0x70, 112 + 116 + 15 + 32 + 24)))
      .limit("pack above the limit", "above the limit",
             good.with("packs", indexed_pack(0x70, 1024 * kSegment + 1)))
      .limit("replaces above the limit", "above the limit",
             good.with("replace count", varint(65537)))
      .limit("packs above the limit", "above the limit", good.with("pack count", varint(65537)))
      .corrupt("more packs than bytes", "cannot fit", good.with("pack count", varint(5)))
      .corrupt(
          "pack with a bad directory", "unknown codec",
          good.with(
              "packs",
              joined(
                  run(0x70), varint(1000),
                  with_block({.stored = 116, .plain = 100, .codec = 9}, chunk(0xa0, 100)).join())))
      .cut_and_grown("index segment", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
