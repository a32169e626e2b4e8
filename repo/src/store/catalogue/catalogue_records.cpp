#include "store/catalogue/catalogue_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <gsl/assert>
#include <unordered_set>

#include "cairn/core/codec.h"
#include "store/catalogue/chunk_runs.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

constexpr std::size_t kRunBytesMin = 4;
constexpr std::size_t kKeyRecordBytes = 4 + format::Salt::kSize + core::BoxPublicKey::kSize;
constexpr std::size_t kBlockRecordBytesMin = 5;

tl::unexpected<core::Error> bad_pack(const PackId& id, std::string_view reason) {
  return core::fail(ErrorCode::corrupt, fmt::format("pack {}: {}", id.short_hex(), reason));
}

PackBrief read_brief(core::Decoder& in) {
  PackBrief brief;
  if (const core::ByteView id = in.raw(PackId::kSize); !id.empty()) {
    brief.id = PackId::from(id);
  }
  brief.size_bytes = in.varint(format::kPackBytesMax);
  const std::uint8_t kind = in.u8();
  if (kind != static_cast<std::uint8_t>(format::BlockKind::data) &&
      kind != static_cast<std::uint8_t>(format::BlockKind::metadata)) {
    in.fail_corrupt("unknown kind of blocks");
  }
  brief.kind = static_cast<format::BlockKind>(kind);
  return brief;
}

format::KeyRecord read_key(core::Decoder& in) {
  format::KeyRecord key;
  key.epoch = in.u32();
  const core::ByteView salt = in.raw(format::Salt::kSize);
  const core::ByteView ephemeral = in.raw(core::BoxPublicKey::kSize);
  if (in.ok()) {
    key.salt = format::Salt::from(salt);
    key.ephemeral = core::BoxPublicKey::from(ephemeral);
  }
  return key;
}

format::BlockRecord read_block(core::Decoder& in, std::size_t keys) {
  format::BlockRecord block;
  block.stored_bytes = static_cast<std::uint32_t>(in.varint(format::kBlockStoredBytesMax));
  block.plain_bytes = static_cast<std::uint32_t>(in.varint(format::kBlockPlainBytesMax));
  const std::uint8_t codec = in.u8();
  if (codec > static_cast<std::uint8_t>(format::BlockCodec::zstd)) {
    in.fail_corrupt("unknown codec of a block");
  }
  block.codec = static_cast<format::BlockCodec>(codec);
  block.key = static_cast<std::uint32_t>(in.varint(format::kPackKeysMax));
  if (block.key >= keys) {
    in.fail_corrupt("a block names a key that is not there");
  }
  block.key_block = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  return block;
}

}  // namespace

tl::unexpected<core::Error> catalogue_damaged(std::string_view what) {
  return core::fail(ErrorCode::corrupt, fmt::format("catalogue: {}", what),
                    "the catalogue is only a cache: remove its folder, it will be made again");
}

std::vector<LmdbTable> catalogue_tables() {
  return {
      {.name = "about"},
      {.name = "segments"},
      {.name = "pack ids"},
      {.name = "packs", .integer_keys = true},
      {.name = "pack uses", .integer_keys = true},
      {.name = "leaves"},
      {.name = "filters", .integer_keys = true},
      {.name = "notes"},
      {.name = "stats"},
  };
}

// --- ledger ---

std::uint64_t Ledger::entries() const noexcept {
  std::uint64_t sum = 0;
  for (const RunInfo& run : runs) {
    sum += run.entries;
  }
  return sum;
}

core::Bytes encode_ledger(const Ledger& ledger) {
  Expects(ledger.runs.size() <= kRunsMax && ledger.doomed.size() <= kRunsMax);
  core::Encoder out;
  out.varint(ledger.next_run);
  out.varint(ledger.next_pack);
  out.varint(ledger.dead_packs);
  out.varint(ledger.dead_chunks);
  out.varint(ledger.runs.size());
  for (const RunInfo& run : ledger.runs) {
    out.varint(run.number);
    out.varint(run.entries);
    out.varint(run.leaves);
    out.varint(run.filter_lines);
  }
  out.varint(ledger.doomed.size());
  for (const std::uint32_t number : ledger.doomed) {
    out.varint(number);
  }
  return std::move(out).take();
}

core::Result<Ledger> decode_ledger(core::ByteView input) {
  core::Decoder in(input, "catalogue ledger");
  Ledger ledger;
  ledger.next_run = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  ledger.next_pack = static_cast<std::uint32_t>(in.varint(kPackNumberMax));
  ledger.dead_packs = in.varint();
  ledger.dead_chunks = in.varint();
  std::unordered_set<std::uint32_t> numbers;
  const auto read_number = [&] {
    const auto number = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
    if (number >= ledger.next_run || !numbers.insert(number).second) {
      in.fail_corrupt("a run's number is impossible");
    }
    return number;
  };
  const std::size_t runs = in.count(kRunsMax, kRunBytesMin);
  for (std::size_t i = 0; i < runs && in.ok(); ++i) {
    RunInfo run;
    run.number = read_number();
    run.entries = in.varint(std::uint64_t{UINT32_MAX} * kLeafEntries);
    run.leaves = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
    run.filter_lines = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
    if (run.entries == 0 || run.leaves != (run.entries - 1) / kLeafEntries + 1) {
      in.fail_corrupt("a run's size is impossible");
    }
    ledger.runs.push_back(run);
  }
  const std::size_t doomed = in.count(kRunsMax, 1);
  for (std::size_t i = 0; i < doomed && in.ok(); ++i) {
    ledger.doomed.push_back(read_number());
  }
  CAIRN_TRY_STATUS(in.finish());
  return ledger;
}

// --- packs ---

core::Bytes encode_pack_use(const PackUse& use) {
  core::Encoder out;
  out.varint(use.segments);
  out.varint(use.chunks);
  return std::move(out).take();
}

core::Result<PackUse> decode_pack_use(core::ByteView input) {
  core::Decoder in(input, "catalogue pack use");
  PackUse use;
  use.segments = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  use.chunks = static_cast<std::uint32_t>(in.varint(format::kPackChunksMax));
  if (use.segments == 0) {
    in.fail_corrupt("no segment lists it");
  }
  CAIRN_TRY_STATUS(in.finish());
  return use;
}

core::Bytes encode_segment_packs(std::vector<PackNumber> packs) {
  std::sort(packs.begin(), packs.end());
  core::Encoder out;
  out.varint(packs.size());
  std::uint32_t last = 0;
  for (const PackNumber pack : packs) {
    const auto number = static_cast<std::uint32_t>(pack);
    out.varint(number - last);
    last = number;
  }
  return std::move(out).take();
}

core::Result<std::vector<PackNumber>> decode_segment_packs(core::ByteView input) {
  core::Decoder in(input, "catalogue segment");
  std::vector<PackNumber> packs(in.count(format::kIndexPacksMax, 1));
  std::uint64_t last = 0;
  for (PackNumber& pack : packs) {
    const std::uint64_t step = in.varint(kPackNumberMax);
    last += step;
    if (step == 0 || last > kPackNumberMax) {
      in.fail_corrupt("a pack's number is impossible");
    }
    pack = static_cast<PackNumber>(last);
    if (!in.ok()) {
      break;
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return packs;
}

Status check_indexed_pack(const format::IndexedPack& pack) {
  const format::PackDirectory& directory = pack.directory;
  if (directory.keys.empty() || directory.keys.size() > format::kPackKeysMax ||
      directory.blocks.empty() || directory.blocks.size() > format::kPackBlocksMax ||
      pack.size_bytes > format::kPackBytesMax) {
    return bad_pack(pack.id, "its directory is above a limit, or empty");
  }
  std::uint64_t end = format::kPackHeaderBytes;
  std::size_t chunks = 0;
  for (const format::BlockRecord& block : directory.blocks) {
    std::uint64_t plain = 0;
    for (const format::ChunkRecord& chunk : block.chunks) {
      plain += chunk.length_bytes;
    }
    if (block.key >= directory.keys.size() || block.stored_bytes > format::kBlockStoredBytesMax ||
        block.plain_bytes > format::kBlockPlainBytesMax || plain != block.plain_bytes) {
      return bad_pack(pack.id, "a block's lengths are impossible");
    }
    end += block.stored_bytes;
    chunks += block.chunks.size();
  }
  if (end > pack.size_bytes || chunks > format::kPackChunksMax) {
    return bad_pack(pack.id, "its blocks are larger than it");
  }
  return {};
}

core::Bytes encode_pack_summary(const format::IndexedPack& pack) {
  core::Encoder out;
  out.raw(pack.id.view());
  out.varint(pack.size_bytes);
  out.u8(static_cast<std::uint8_t>(pack.directory.kind));
  out.varint(pack.directory.keys.size());
  for (const format::KeyRecord& key : pack.directory.keys) {
    out.u32(key.epoch);
    out.raw(key.salt.view());
    out.raw(key.ephemeral.view());
  }
  out.varint(pack.directory.blocks.size());
  for (const format::BlockRecord& block : pack.directory.blocks) {
    out.varint(block.stored_bytes);
    out.varint(block.plain_bytes);
    out.u8(static_cast<std::uint8_t>(block.codec));
    out.varint(block.key);
    out.varint(block.key_block);
  }
  return std::move(out).take();
}

core::Result<PackBrief> decode_pack_brief(core::ByteView input) {
  core::Decoder in(input, "catalogue pack");
  PackBrief brief = read_brief(in);
  CAIRN_TRY_STATUS(in.check());
  return brief;
}

core::Result<PackSummary> decode_pack_summary(PackNumber number, core::ByteView input) {
  core::Decoder in(input, "catalogue pack");
  const PackBrief brief = read_brief(in);
  PackSummary summary;
  summary.id = brief.id;
  summary.number = number;
  summary.size_bytes = brief.size_bytes;
  summary.kind = brief.kind;
  const std::size_t keys = in.count(format::kPackKeysMax, kKeyRecordBytes);
  for (std::size_t i = 0; i < keys; ++i) {
    summary.keys.push_back(read_key(in));
  }
  const std::size_t blocks = in.count(format::kPackBlocksMax, kBlockRecordBytesMin);
  summary.blocks.reserve(blocks);
  std::uint64_t offset = format::kPackHeaderBytes;
  for (std::size_t i = 0; i < blocks && in.ok(); ++i) {
    PackSummary::Block& block = summary.blocks.emplace_back();
    block.offset_bytes = offset;
    block.record = read_block(in, keys);
    offset += block.record.stored_bytes;
  }
  if (in.ok() && (keys == 0 || blocks == 0 || offset > summary.size_bytes)) {
    in.fail_corrupt("its blocks are larger than it, or there are none");
  }
  CAIRN_TRY_STATUS(in.finish());
  return summary;
}

core::Bytes encode_pack_number(PackNumber number) {
  core::Encoder out;
  out.u32(static_cast<std::uint32_t>(number));
  return std::move(out).take();
}

core::Result<PackNumber> decode_pack_number(core::ByteView input) {
  core::Decoder in(input, "catalogue pack number");
  const auto number = static_cast<PackNumber>(in.u32());
  CAIRN_TRY_STATUS(in.finish());
  return number;
}

// --- integer keys ---

core::ByteView integer_key(const std::uint32_t& number) noexcept {
  return std::as_bytes(std::span(&number, 1));
}

core::ByteView integer_key(const std::uint64_t& number) noexcept {
  return std::as_bytes(std::span(&number, 1));
}

core::Result<PackNumber> pack_number_from_key(core::ByteView key) {
  std::uint32_t number = 0;
  if (key.size() != sizeof(number)) {
    return catalogue_damaged("a pack's key has a wrong length");
  }
  std::memcpy(&number, key.data(), sizeof(number));
  return static_cast<PackNumber>(number);
}

}  // namespace cairn::repo::store
