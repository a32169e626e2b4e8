// Config, frames and envelopes.

#include "cairn/core/crypto.h"
#include "made_vectors.h"

namespace cairn::test {
namespace {

core::Bytes gear(std::uint32_t size_min, std::uint32_t size_avg, std::uint32_t size_max) {
  return joined(u8(1), u32(size_min), u32(size_avg), u32(size_max));
}

core::Bytes fixed_size(std::uint32_t size) {
  return joined(u8(0), u32(size), u32(size), u32(size));
}

Pieces config_pieces() {
  Pieces pieces;
  pieces.add("repository", run(0x00))
      .add("features", varint(0))
      .add("suite", u8(1))
      .add("admin key", run(0x20))
      .add("classes", u8(4))
      .add("general", gear(4096, 16384, 262144))
      .add("pages", fixed_size(8192))
      .add("images", fixed_size(65536))
      .add("compressed", gear(65536, 262144, 1048576));
  return pieces;
}

core::Bytes digest(const core::Bytes& bytes) { return core::to_bytes(core::hash256(bytes).view()); }

/// A frame around "payload" whose digest fits to what stands before it.
core::Bytes frame_with(const core::Bytes& magic, std::uint8_t kind, std::uint16_t version,
                       std::uint32_t length) {
  core::Bytes bytes = joined(magic, u8(kind), u16(version), u32(length), raw("payload"));
  core::append(bytes, digest(bytes));
  return bytes;
}

constexpr std::uint8_t kConfigKind = 1;
constexpr std::uint8_t kIndexKind = 4;

core::Bytes good_frame(std::uint8_t kind) { return frame_with(raw("CAIRN"), kind, 1, 7); }

}  // namespace

std::vector<Vector> config_vectors() {
  const Pieces good = config_pieces();
  VectorList list("config");
  list.ok("gear and fixed classes", good)
      .ok("smallest sizes", good.with("general", gear(64, 256, 256)).with("pages", fixed_size(512)))
      .unsupported("unknown feature", "features", good.with("features", varint(1)))
      .unsupported("highest feature", "features", good.with("features", varint(UINT64_MAX)))
      .unsupported("unknown crypto suite", "crypto suite", good.with("suite", u8(2)))
      .unsupported("unknown kernel", "chunking kernel",
                   good.with("pages", joined(u8(2), u32(8192), u32(8192), u32(8192))))
      .corrupt("features in two bytes", "needless bytes", good.with("features", needless_varint(0)))
      .corrupt("three classes", "content classes is 3", good.with("classes", u8(3)))
      .corrupt("five classes", "content classes is 5", good.with("classes", u8(5)))
      .corrupt("average not a power of two", "chunk sizes",
               good.with("general", gear(4096, 16385, 262144)))
      .corrupt("minimum above average", "chunk sizes",
               good.with("general", gear(32768, 16384, 262144)))
      .corrupt("chunks above the limit", "chunk sizes",
               good.with("compressed", gear(65536, 262144, 8388609)))
      .corrupt("fixed with three sizes", "chunk sizes",
               good.with("images", joined(u8(0), u32(65536), u32(65536), u32(65537))))
      .cut_and_grown("config", good.join());
  return std::move(list).take();
}

std::vector<Vector> frame_vectors() {
  const core::Bytes good = good_frame(kIndexKind);
  core::Bytes flipped = good;
  flipped[12] ^= std::byte{1};
  core::Bytes wrong_digest = good;
  wrong_digest.back() ^= std::byte{1};
  core::Bytes empty_payload = joined(raw("CAIRN"), u8(kIndexKind), u16(1), u32(0));
  core::append(empty_payload, digest(empty_payload));
  VectorList list("frame");
  list.ok("index segment", good)
      .ok("no payload", empty_payload)
      .add("corrupt", "another magic", "not an object of a Cairn repository",
           frame_with(raw("CAIRM"), kIndexKind, 1, 7))
      .add("corrupt", "another kind", "this is a session", frame_with(raw("CAIRN"), 5, 1, 7))
      .add("corrupt", "unknown kind", "this is a unknown object",
           frame_with(raw("CAIRN"), 99, 1, 7))
      .add("unsupported_version", "version 2", "format version 2",
           frame_with(raw("CAIRN"), kIndexKind, 2, 7))
      .add("unsupported_version", "version 2 of unknown length", "format version 2",
           joined(raw("CAIRN"), u8(kIndexKind), u16(2)))
      .add("corrupt", "version 0", "version 0", frame_with(raw("CAIRN"), kIndexKind, 0, 7))
      .add("corrupt", "length too small", "its header says",
           frame_with(raw("CAIRN"), kIndexKind, 1, 6))
      .add("corrupt", "length too large", "its header says",
           frame_with(raw("CAIRN"), kIndexKind, 1, 8))
      .add("limit_exceeded", "length above the limit", "above the limit",
           frame_with(raw("CAIRN"), kIndexKind, 1, 64 * 1024 * 1024 + 1))
      .add("corrupt", "a bit of the payload", "checksum", flipped)
      .add("corrupt", "a bit of the digest", "checksum", wrong_digest)
      .add("corrupt", "header alone", "too few",
           joined(raw("CAIRN"), u8(kIndexKind), u16(1), u32(0)))
      .cut_and_grown("index segment", good);
  return std::move(list).take();
}

std::vector<Vector> twin_vectors() {
  const core::Bytes one = good_frame(kConfigKind);
  core::Bytes bad = one;
  bad[14] ^= std::byte{0x80};
  const core::Bytes future = frame_with(raw("CAIRN"), kConfigKind, 2, 7);
  const core::Bytes huge = frame_with(raw("CAIRN"), kConfigKind, 1, UINT32_MAX);
  VectorList list("twin");
  list.ok("two copies", joined(one, one))
      .add("corrupt", "both copies damaged", "both copies are damaged", joined(bad, bad))
      .add("corrupt", "one damaged copy", "both copies are damaged", bad)
      .add("corrupt", "another kind twice", "both copies are damaged",
           joined(good_frame(kIndexKind), good_frame(kIndexKind)))
      .add("corrupt", "version 2 before a damaged version 1", "both copies are damaged",
           joined(future, bad))
      .add("unsupported_version", "version 2 twice", "format version 2", joined(future, future))
      .add("limit_exceeded", "length above the limit twice", "above the limit", joined(huge, huge))
      .add("corrupt", "empty", "config", {})
      .add("corrupt", "five bytes", "config", raw("CAIRN"));
  return std::move(list).take();
}

std::vector<Vector> symmetric_envelope_vectors() {
  Pieces good;
  good.add("epoch", u32(3)).add("salt", run(0x10)).add("ciphertext", run(0xa0, 40));
  VectorList list("symmetric_envelope");
  list.ok("40 bytes of ciphertext", good)
      .ok("empty plaintext", good.with("ciphertext", run(0xa0, 16)))
      .corrupt("ciphertext shorter than its tag", "shorter than its tag",
               good.with("ciphertext", run(0xa0, 15)))
      .corrupt("no ciphertext", "shorter than its tag", good.without("ciphertext"))
      .corrupt("salt cut off", "more bytes expected",
               good.with("salt", run(0x10, 31)).without("ciphertext"))
      .corrupt("empty", "more bytes expected", Pieces());
  return std::move(list).take();
}

std::vector<Vector> public_envelope_vectors() {
  Pieces good;
  good.add("epoch", u32(3))
      .add("salt", run(0x10))
      .add("ephemeral", run(0x30))
      .add("commitment", run(0x50))
      .add("ciphertext", run(0xa0, 40));
  VectorList list("public_envelope");
  list.ok("40 bytes of ciphertext", good)
      .ok("empty plaintext", good.with("ciphertext", run(0xa0, 16)))
      .corrupt("ciphertext shorter than its tag", "shorter than its tag",
               good.with("ciphertext", run(0xa0, 15)))
      .corrupt("commitment cut off", "more bytes expected",
               good.with("commitment", run(0x50, 31)).without("ciphertext"))
      .corrupt("empty", "more bytes expected", Pieces());
  return std::move(list).take();
}

std::vector<Vector> padding_vectors() {
  Pieces good;
  good.add("length", u32(7)).add("bytes", raw("payload")).add("zeros", zeros(245));
  Pieces full;
  full.add("length", u32(252)).add("bytes", run(0, 252));
  Pieces two_blocks;
  two_blocks.add("length", u32(253)).add("bytes", run(0, 253)).add("zeros", zeros(255));
  VectorList list("padding");
  list.ok("seven bytes", good)
      .ok("one full block", full)
      .ok("a byte in the second block", two_blocks)
      .ok("nothing", joined(u32(0), zeros(252)))
      .corrupt("zeros that are not", "reserved bytes",
               good.with("zeros", joined(zeros(244), u8(1))))
      .corrupt("a needless block", "padded to 512", good.with("zeros", zeros(245 + 256)))
      .corrupt("too few zeros", "padded to 255", good.with("zeros", zeros(244)))
      .corrupt("length beyond the end", "more bytes expected", good.with("length", u32(253)))
      .corrupt("length at its largest", "more bytes expected", good.with("length", u32(UINT32_MAX)))
      .cut_and_grown("padding", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
