#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/compress.h"
#include "catch2.h"
#include "fault_backend.h"
#include "mem_backend.h"
#include "outcome.h"
#include "store/catalogue/catalogue.h"
#include "store/chunks/chunk_reader.h"
#include "store/packs/block_sealer.h"
#include "store/packs/pack_writer.h"
#include "test_keys.h"

namespace cairn::test {

/// A block's plaintext, cut into chunks, ready for a pack writer.
struct MadeBlock {
  repo::format::BlockRecord record;
  std::vector<core::Bytes> chunks;
  core::Bytes plain;
  core::Bytes payload;
};

/// Chunks of the given lengths. Random bytes stay raw; repeated ones are compressed.
inline MadeBlock make_block(TestKeys& keys, repo::format::BlockKind kind,
                            const std::vector<std::size_t>& lengths, bool compressible) {
  MadeBlock block;
  for (const std::size_t length : lengths) {
    core::Bytes chunk = keys.random.bytes(length);
    if (compressible) {
      for (std::size_t i = 8; i < length; ++i) {
        chunk[i] = chunk[i - 8];
      }
    }
    block.record.chunks.push_back(
        {keys.admin().chunk_id(kind, chunk), static_cast<std::uint32_t>(length)});
    core::append(block.plain, chunk);
    block.chunks.push_back(std::move(chunk));
  }
  block.record.plain_bytes = static_cast<std::uint32_t>(block.plain.size());
  core::Compressor compressor(3, block.plain.size());
  if (compressible && compressor.compress(block.plain, block.payload)) {
    block.record.codec = repo::format::BlockCodec::zstd;
  } else {
    block.payload = block.plain;
  }
  return block;
}

/// As BlockSealer has sealed it.
inline repo::store::SealedBlock sealed_block(repo::store::BlockSealer& sealer,
                                             const MadeBlock& block) {
  auto sealed = sealer.seal(block.record, block.payload);
  REQUIRE(sealed);
  return *std::move(sealed);
}

inline core::Status append_sealed(repo::store::PackWriter& writer,
                                  const repo::store::SealedBlock& block) {
  return writer.append(block.record, block.key, block.bytes);
}

struct MadePack {
  repo::format::IndexedPack indexed;
  std::vector<MadeBlock> blocks;

  [[nodiscard]] repo::store::ObjectName name() const {
    return repo::store::object_name(repo::format::ObjectKind::pack, indexed.id);
  }
};

inline MadePack put_pack(TestKeys& keys, repo::store::Backend& backend,
                         repo::format::BlockKind kind, std::vector<MadeBlock> blocks,
                         repo::Role writer_role = repo::Role::backup) {
  repo::store::SegmentHasher segments;
  auto writer =
      repo::store::PackWriter::open(backend, keys.of(writer_role), keys.random, kind, segments);
  REQUIRE(writer);
  repo::store::BlockSealer sealer(keys.of(writer_role), keys.random, kind);
  for (const MadeBlock& block : blocks) {
    REQUIRE(append_sealed(**writer, sealed_block(sealer, block)));
  }
  auto indexed = (*writer)->publish();
  REQUIRE(indexed);
  return {*std::move(indexed), std::move(blocks)};
}

/// A catalogue that knows just the packs it is told of, and may be told lies.
class KnownPacks final : public repo::store::Catalogue {
 public:
  void add(const repo::format::IndexedPack& pack) {
    const auto number = static_cast<repo::store::PackNumber>(packs_.size());
    packs_.push_back(repo::store::summary_of(pack, number));
    for (std::uint32_t block = 0; block < pack.directory.blocks.size(); ++block) {
      std::uint32_t offset = 0;
      for (const repo::format::ChunkRecord& chunk : pack.directory.blocks[block].chunks) {
        chunks[chunk.id] = {number, block, offset, chunk.length_bytes};
        offset += chunk.length_bytes;
      }
    }
  }

  std::map<repo::ChunkId, repo::store::ChunkLocation> chunks;

  using Catalogue::find;
  using Catalogue::find_all;
  [[nodiscard]] core::Result<std::optional<repo::store::ChunkLocation>> find(
      const repo::ChunkId& id, const repo::store::PackFilter& usable) const override {
    const auto found = chunks.find(id);
    if (found == chunks.end() || (usable && !usable(found->second.pack))) {
      return std::nullopt;
    }
    return std::optional(found->second);
  }
  [[nodiscard]] core::Result<repo::store::PackSummary> pack(
      repo::store::PackNumber number) const override {
    return packs_.at(static_cast<std::size_t>(number));
  }

  // What follows is not asked for by a ChunkReader.
  [[nodiscard]] bool started_empty() const override { return false; }
  [[nodiscard]] core::Result<std::vector<repo::IndexSegmentId>> segments() const override {
    return std::vector<repo::IndexSegmentId>();
  }
  core::Status ingest(const repo::IndexSegmentId& /*id*/,
                      const repo::format::IndexSegment& /*segment*/) override {
    return {};
  }
  core::Status retain(std::span<const repo::IndexSegmentId> /*listed*/) override { return {}; }
  [[nodiscard]] core::Result<std::unordered_map<repo::store::PackNumber, std::uint64_t>>
  chunks_by_pack() const override {
    return std::unordered_map<repo::store::PackNumber, std::uint64_t>();
  }
  [[nodiscard]] core::Result<std::vector<std::optional<repo::store::ChunkLocation>>> find_all(
      std::span<const repo::ChunkId> ids,
      const repo::store::PackFilter& /*usable*/) const override {
    return std::vector<std::optional<repo::store::ChunkLocation>>(ids.size());
  }
  [[nodiscard]] core::Result<std::optional<repo::store::PackNumber>> find_pack(
      const repo::PackId& /*id*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] core::Result<repo::store::PackNumber> next_pack() const override {
    return static_cast<repo::store::PackNumber>(packs_.size());
  }
  core::Status for_each_pack(
      const std::function<core::Status(repo::store::PackNumber, const repo::PackId&, std::uint64_t,
                                       repo::format::BlockKind)>& /*visit*/) const override {
    return {};
  }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView /*key*/) const override {
    return std::nullopt;
  }
  core::Status change_stat_records(std::span<const repo::store::StatChange> /*changes*/) override {
    return {};
  }
  [[nodiscard]] core::Result<std::uint64_t> dead_packs() const override { return 0; }
  core::Status put_note(std::string_view /*name*/, core::ByteView /*value*/) override { return {}; }
  core::Status remove_note(std::string_view /*name*/) override { return {}; }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> note(
      std::string_view /*name*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] core::Result<std::vector<std::pair<std::string, core::Bytes>>> notes(
      std::string_view /*prefix*/) const override {
    return std::vector<std::pair<std::string, core::Bytes>>();
  }
  [[nodiscard]] core::Result<repo::store::CatalogueStatistics> statistics() const override {
    return repo::store::CatalogueStatistics();
  }

 private:
  std::vector<repo::store::PackSummary> packs_;
};

}  // namespace cairn::test
