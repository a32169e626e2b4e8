#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/crypto.h"
#include "seeded_random.h"
#include "store/catalogue/catalogue.h"
#include "store/catalogue/lmdb_catalogue.h"
#include "temp_folder.h"

/// Index segments made of random ids, and what the catalogue must answer about them.
namespace cairn::test {

using repo::ChunkId;
using repo::IndexSegmentId;
using repo::PackId;
using repo::store::Catalogue;
using repo::store::CatalogueOptions;
using repo::store::CatalogueTuning;

template <class Id>
[[nodiscard]] Id random_id(SeededRandom& random) {
  Id id;
  random.fill(id.mutable_view());
  return id;
}

/// The same text gives the same id.
template <class Id>
[[nodiscard]] Id named_id(std::string_view text) {
  return Id::from(core::hash256(core::as_view(text)).view());
}

/// A pack whose blocks hold these chunks, `per_block` to a block, each of 1 to 1000 bytes.
[[nodiscard]] inline repo::format::IndexedPack make_pack(SeededRandom& random,
                                                         const std::vector<ChunkId>& chunks,
                                                         std::size_t per_block = 16) {
  using repo::format::BlockKind;
  repo::format::IndexedPack pack;
  pack.id = random_id<PackId>(random);
  pack.directory.kind = random.below(2) == 0 ? BlockKind::data : BlockKind::metadata;
  pack.directory.keys.resize(1 + random.below(3));
  for (auto& key : pack.directory.keys) {
    key.epoch = static_cast<std::uint32_t>(random.below(5));
    random.fill(key.salt.mutable_view());
    random.fill(key.ephemeral.mutable_view());
  }
  pack.size_bytes = repo::format::kPackHeaderBytes;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (i % per_block == 0) {
      auto& block = pack.directory.blocks.emplace_back();
      block.stored_bytes = static_cast<std::uint32_t>(100 + random.below(10000));
      block.codec = static_cast<repo::format::BlockCodec>(random.below(2));
      block.key = static_cast<std::uint32_t>(random.below(pack.directory.keys.size()));
      block.key_block = static_cast<std::uint32_t>(random.next());
      pack.size_bytes += block.stored_bytes;
    }
    auto& block = pack.directory.blocks.back();
    const auto length = static_cast<std::uint32_t>(1 + random.below(1000));
    block.chunks.push_back({.id = chunks[i], .length_bytes = length});
    block.plain_bytes += length;
  }
  pack.size_bytes += 100 + random.below(1000);
  return pack;
}

[[nodiscard]] inline std::vector<ChunkId> random_chunks(SeededRandom& random, std::size_t count) {
  std::vector<ChunkId> chunks(count);
  for (ChunkId& chunk : chunks) {
    random.fill(chunk.mutable_view());
  }
  return chunks;
}

/// One pack of random chunks.
[[nodiscard]] inline repo::format::IndexSegment make_segment(SeededRandom& random,
                                                             std::size_t chunks) {
  repo::format::IndexSegment segment;
  segment.packs.push_back(make_pack(random, random_chunks(random, chunks)));
  return segment;
}

[[nodiscard]] inline const ChunkId& chunk_of(const repo::format::IndexSegment& segment,
                                             std::size_t block = 0, std::size_t chunk = 0) {
  return segment.packs.front().directory.blocks.at(block).chunks.at(chunk).id;
}

/// Merges after a few chunks, portions of a few pages.
[[nodiscard]] inline CatalogueTuning small_tuning() {
  CatalogueTuning tuning;
  tuning.merge = {.small_entries = 16, .fan_out = 3};
  tuning.pages_per_transaction = 3;
  tuning.removals_per_transaction = 2;
  return tuning;
}

/// Where chunks lie, by pack id instead of number: what a catalogue answers, in words that do not
/// depend on it.
struct ModelLocation {
  PackId pack;
  std::uint32_t block = 0;
  std::uint32_t offset_bytes = 0;
  std::uint32_t length_bytes = 0;

  friend auto operator<=>(const ModelLocation&, const ModelLocation&) = default;
  friend bool operator==(const ModelLocation&, const ModelLocation&) = default;
};

/// The catalogue's contract with std::map.
class CatalogueModel {
 public:
  void ingest(const IndexSegmentId& id, const repo::format::IndexSegment& segment) {
    if (segments_.contains(id)) {
      return;
    }
    std::set<PackId>& packs = segments_[id];
    for (const auto& pack : segment.packs) {
      packs.insert(pack.id);
      contents_[pack.id] = pack;
    }
  }

  void retain(const std::vector<IndexSegmentId>& listed) {
    const std::set<IndexSegmentId> keep(listed.begin(), listed.end());
    std::erase_if(segments_, [&](const auto& item) { return !keep.contains(item.first); });
  }

  [[nodiscard]] const std::map<IndexSegmentId, std::set<PackId>>& segments() const {
    return segments_;
  }

  [[nodiscard]] std::map<PackId, repo::format::IndexedPack> living_packs() const {
    std::map<PackId, repo::format::IndexedPack> living;
    for (const auto& [id, packs] : segments_) {
      for (const PackId& pack : packs) {
        living[pack] = contents_.at(pack);
      }
    }
    return living;
  }

  /// Every chunk in a living pack, with all its places.
  [[nodiscard]] std::map<ChunkId, std::set<ModelLocation>> locations() const {
    std::map<ChunkId, std::set<ModelLocation>> all;
    for (const auto& [id, pack] : living_packs()) {
      ModelLocation location{.pack = id};
      for (const auto& block : pack.directory.blocks) {
        location.offset_bytes = 0;
        for (const auto& chunk : block.chunks) {
          location.length_bytes = chunk.length_bytes;
          all[chunk.id].insert(location);
          location.offset_bytes += chunk.length_bytes;
        }
        ++location.block;
      }
    }
    return all;
  }

 private:
  std::map<IndexSegmentId, std::set<PackId>> segments_;
  std::map<PackId, repo::format::IndexedPack> contents_;
};

/// A folder with one catalogue at a time in it.
class CatalogueHome {
 public:
  explicit CatalogueHome(CatalogueTuning tuning = small_tuning()) : tuning_(std::move(tuning)) {
    open();
  }

  /// Closes the one before, if any. Ends the process if it cannot be opened.
  void open() {
    catalogue_.reset();
    auto opened = try_open();
    Ensures(opened.has_value());
    catalogue_ = std::move(*opened);
  }
  void close() { catalogue_.reset(); }
  [[nodiscard]] core::Result<std::unique_ptr<Catalogue>> try_open() const {
    return repo::store::open_lmdb_catalogue(options(), tuning_);
  }

  [[nodiscard]] CatalogueOptions options() const {
    return {.folder = folder(), .repository = named_id<repo::RepositoryId>("repository")};
  }
  [[nodiscard]] std::string folder() const { return temp_ / "catalogue"; }
  [[nodiscard]] std::string file(std::string_view name) const {
    return folder() + "/" + std::string(name);
  }
  [[nodiscard]] CatalogueTuning& tuning() noexcept { return tuning_; }

  Catalogue* operator->() const noexcept { return catalogue_.get(); }
  Catalogue& operator*() const noexcept { return *catalogue_; }

 private:
  TempFolder temp_;
  CatalogueTuning tuning_;
  std::unique_ptr<Catalogue> catalogue_;
};

/// What is wrong with the catalogue compared to the model; empty if nothing is.
[[nodiscard]] std::string difference(const Catalogue& catalogue, const CatalogueModel& model);

}  // namespace cairn::test
