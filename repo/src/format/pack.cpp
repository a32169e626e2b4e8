#include "format/pack.h"

#include <fmt/format.h>

#include <gsl/assert>

#include "format/fields.h"

namespace cairn::repo::format {
namespace {

constexpr std::string_view kEndMagic = "CAIRNEND";
constexpr std::size_t kReservedBytes = 3;
static_assert(kPackHeaderBytes == kPreambleBytes + 1 + kReservedBytes + 4 + 3 * 32);
static_assert(kPackFooterFixedBytes == 8 + 4 + 4 + kEndMagic.size());
static_assert(kPackDirectoryBytesMax + core::kAeadTagBytes <= UINT32_MAX);

std::uint64_t segment_count(std::uint64_t covered_bytes) noexcept {
  return covered_bytes / kPackSegmentBytes + (covered_bytes % kPackSegmentBytes == 0 ? 0 : 1);
}

std::string_view defect_of(const PackFooter& footer) noexcept {
  // A block and the directory hold at least one byte and their tag.
  constexpr std::uint64_t kSealedBytesMin = core::kAeadTagBytes + 1;
  if (footer.directory_bytes < kSealedBytesMin) {
    return "the directory is shorter than its tag";
  }
  if (footer.covered_bytes < kPackHeaderBytes + kSealedBytesMin + footer.directory_bytes) {
    return "header, blocks and directory do not fit into the covered bytes";
  }
  if (footer.segments.size() != segment_count(footer.covered_bytes)) {
    return "the number of segments does not fit to the covered bytes";
  }
  return {};
}

/// Table and fixed part.
std::uint64_t footer_size(std::uint64_t segments) noexcept {
  return segments * core::Hash256::kSize + kPackFooterFixedBytes;
}

bool within_limits(const PackFooter& footer) noexcept {
  return footer.covered_bytes <= kPackBytesMax &&
         footer.covered_bytes + footer_size(footer.segments.size()) <= kPackBytesMax &&
         footer.directory_bytes <= kPackDirectoryBytesMax + core::kAeadTagBytes;
}

struct FixedPart {
  std::uint64_t covered_bytes = 0;
  std::uint32_t directory_bytes = 0;
  std::uint32_t segments = 0;
};

FixedPart decode_fixed_part(core::Decoder& in) {
  FixedPart fixed;
  fixed.covered_bytes = in.u64();
  fixed.directory_bytes = in.u32();
  fixed.segments = in.u32();
  const core::ByteView magic = in.raw(kEndMagic.size());
  if (in.ok() && !core::equal(magic, core::as_view(kEndMagic))) {
    in.fail_corrupt("the end mark is missing: the pack is cut off or has bytes added");
  }
  // Bounds the sums below, so that they cannot overflow.
  if (in.ok() && fixed.covered_bytes > kPackBytesMax) {
    in.fail_limit("the pack is too large");
  }
  if (in.ok() && fixed.segments != segment_count(fixed.covered_bytes)) {
    in.fail_corrupt("the number of segments does not fit to the covered bytes");
  }
  return fixed;
}

}  // namespace

bool is_known(BlockKind kind) noexcept {
  switch (kind) {
    case BlockKind::data:
    case BlockKind::metadata:
      return true;
  }
  return false;
}

core::Bytes encode_pack_header(const PackHeader& header) {
  Expects(is_known(header.kind));
  core::Bytes buffer;
  buffer.reserve(kPackHeaderBytes);
  encode_preamble(buffer, ObjectKind::pack);
  core::Encoder out(std::move(buffer));
  out.u8(static_cast<std::uint8_t>(header.kind));
  for (std::size_t i = 0; i < kReservedBytes; ++i) {
    out.u8(0);
  }
  out.u32(header.epoch);
  encode_id(out, header.salt);
  encode_id(out, header.ephemeral);
  encode_id(out, header.commitment);
  Ensures(out.size() == kPackHeaderBytes);
  return std::move(out).take();
}

core::Result<PackHeader> decode_pack_header(core::ByteView input) {
  CAIRN_TRY_STATUS(check_preamble(input, ObjectKind::pack));
  core::Decoder in(input.subspan(kPreambleBytes), "pack header");
  PackHeader header;
  header.kind = static_cast<BlockKind>(in.u8());
  if (in.ok() && !is_known(header.kind)) {
    in.fail_corrupt("unknown kind of blocks");
  }
  in.expect_zeros(kReservedBytes);
  header.epoch = in.u32();
  header.salt = decode_id<Salt>(in);
  header.ephemeral = decode_id<core::BoxPublicKey>(in);
  header.commitment = decode_id<Commitment>(in);
  CAIRN_TRY_STATUS(in.finish());
  return header;
}

core::Bytes encode_pack_footer(const PackFooter& footer) {
  Expects(defect_of(footer).empty());
  Expects(within_limits(footer));
  core::Bytes buffer;
  buffer.reserve(footer.segments.size() * core::Hash256::kSize + kPackFooterFixedBytes);
  core::Encoder out(std::move(buffer));
  for (const core::Hash256& segment : footer.segments) {
    encode_id(out, segment);
  }
  out.u64(footer.covered_bytes);
  out.u32(footer.directory_bytes);
  out.u32(static_cast<std::uint32_t>(footer.segments.size()));
  out.raw(core::as_view(kEndMagic));
  return std::move(out).take();
}

core::Result<std::size_t> pack_footer_size(core::ByteView fixed_part, std::uint64_t pack_bytes) {
  core::Decoder in(fixed_part, "pack footer");
  const FixedPart fixed = decode_fixed_part(in);
  const std::uint64_t footer_bytes = footer_size(fixed.segments);
  if (in.ok() && fixed.covered_bytes + footer_bytes != pack_bytes) {
    in.fail_corrupt(fmt::format("the pack has {} bytes, its footer says {}", pack_bytes,
                                fixed.covered_bytes + footer_bytes));
  }
  CAIRN_TRY_STATUS(in.finish());
  return static_cast<std::size_t>(footer_bytes);
}

core::Result<PackFooter> decode_pack_footer(core::ByteView tail, std::uint64_t pack_bytes) {
  if (tail.size() < kPackFooterFixedBytes) {
    return core::fail(core::ErrorCode::corrupt,
                      fmt::format("pack footer: {} bytes are too few", tail.size()));
  }
  CAIRN_TRY(const std::size_t size, pack_footer_size(tail.last(kPackFooterFixedBytes), pack_bytes));
  if (size != tail.size()) {
    return core::fail(core::ErrorCode::corrupt,
                      fmt::format("pack footer: has {} bytes, not {}", tail.size(), size));
  }
  core::Decoder fixed_in(tail.last(kPackFooterFixedBytes), "pack footer");
  const FixedPart fixed = decode_fixed_part(fixed_in);
  core::Decoder in(tail.first(size - kPackFooterFixedBytes), "pack footer");
  PackFooter footer;
  footer.covered_bytes = fixed.covered_bytes;
  footer.directory_bytes = fixed.directory_bytes;
  footer.segments.reserve(fixed.segments);
  for (std::uint32_t i = 0; i < fixed.segments; ++i) {
    footer.segments.push_back(decode_id<core::Hash256>(in));
  }
  if (!within_limits(footer)) {
    in.fail_limit("the pack or its directory is too large");
  }
  if (const std::string_view defect = defect_of(footer); !defect.empty()) {
    in.fail_corrupt(defect);
  }
  CAIRN_TRY_STATUS(in.finish());
  return footer;
}

PackId pack_id(core::ByteView encoded_footer) {
  return PackId::from(core::hash256(encoded_footer).view());
}

core::Bytes block_associated_data(const RepositoryId& repository, BlockKind kind,
                                  const KeyRecord& key, const BlockRecord& block) {
  core::Encoder out;
  out.raw(core::as_view("cairn block v1"));
  encode_id(out, repository);
  out.u8(static_cast<std::uint8_t>(kind));
  out.u32(key.epoch);
  encode_id(out, key.salt);
  encode_id(out, key.ephemeral);
  out.u32(block.key_block);
  out.u8(static_cast<std::uint8_t>(block.codec));
  out.u32(block.plain_bytes);
  out.u32(block.stored_bytes);
  return std::move(out).take();
}

}  // namespace cairn::repo::format
