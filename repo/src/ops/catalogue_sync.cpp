#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ops/state.h"
#include "store/records.h"

namespace cairn::repo::ops {

namespace {

/// A pack that no index segment lists (an interrupted session's, or one whose segment is damaged)
/// enters the catalogue as a segment of its own, under the pack's id.
IndexSegmentId adopted_segment_id(const PackId& pack) { return IndexSegmentId::from(pack.view()); }

struct Listing {
  std::vector<IndexSegmentId> segments;
  std::unordered_map<PackId, std::uint64_t> packs;
  std::uint64_t bytes = 0;  ///< of all of them
};

core::Result<Listing> list_objects(store::Backend& backend) {
  Listing listing;
  // Segments before packs: a pack is durable before the segment that lists it, so every pack of a
  // listed segment is seen.
  CAIRN_TRY_STATUS(
      backend.list(format::ObjectKind::index, [&listing](const store::ListedObject& object) {
        listing.segments.push_back(IndexSegmentId::from(object.name.id.view()));
        listing.bytes += object.size_bytes;
      }));
  CAIRN_TRY_STATUS(
      backend.list(format::ObjectKind::pack, [&listing](const store::ListedObject& object) {
        listing.packs.emplace(PackId::from(object.name.id.view()), object.size_bytes);
        listing.bytes += object.size_bytes;
      }));
  std::ranges::sort(listing.segments);
  return listing;
}

core::Status open_catalogue(State& state) {
  std::error_code error;
  std::filesystem::create_directories(state.environment.cache_folder, error);
  if (error) {
    return core::fail(core::errno_error(error.value(), fmt::format("make the cache folder {}",
                                                                   state.environment.cache_folder))
                          .with_hint("set CAIRN_CACHE_DIR to a folder that can be written"));
  }
  CAIRN_TRY(state.catalogue, store::Catalogue::open({.folder = state.catalogue_folder,
                                                     .repository = state.config.repository_id}));
  state.chunks = std::make_unique<store::ChunkReader>(
      *state.blocks, *state.catalogue, *state.keys, state.present_packs(),
      [&state] { return refresh_catalogue(state); });
  return {};
}

void close_catalogue(State& state) {
  state.chunks.reset();
  state.catalogue.reset();
  state.missing_packs->assign({});
}

/// Ingests listed segments that the catalogue lacks. Damaged ones are told and passed over: their
/// packs are adopted one by one.
core::Result<std::size_t> ingest_segments(State& state, const Listing& listing,
                                          Observer& observer) {
  CAIRN_TRY(auto known, state.catalogue->segments());
  std::ranges::sort(known);
  std::size_t ingested = 0;
  for (const IndexSegmentId& id : listing.segments) {
    if (std::ranges::binary_search(known, id)) {
      continue;
    }
    auto segment = store::get_index_segment(*state.backend, *state.keys, id);
    if (!segment) {
      const auto code = segment.error().code();
      if (code == core::ErrorCode::not_found) {
        continue;  // a collector has just replaced it
      }
      if (code != core::ErrorCode::corrupt && code != core::ErrorCode::limit_exceeded) {
        return core::fail(std::move(segment).error());
      }
      observer.warning(segment.error().message());
      continue;
    }
    CAIRN_TRY_STATUS(state.catalogue->ingest(id, *segment));
    ingested += 1;
  }
  return ingested;
}

core::Result<std::size_t> adopt_packs(State& state, const Listing& listing, Observer& observer) {
  std::size_t adopted = 0;
  for (const auto& [id, size_bytes] : listing.packs) {
    CAIRN_TRY(const auto number, state.catalogue->find_pack(id));
    if (number) {
      continue;
    }
    auto description = store::read_pack_description(*state.backend, *state.keys, id);
    if (!description) {
      const auto code = description.error().code();
      if (code == core::ErrorCode::not_found) {
        continue;
      }
      if (code != core::ErrorCode::corrupt && code != core::ErrorCode::limit_exceeded) {
        return core::fail(std::move(description).error());
      }
      observer.warning(description.error().message());
      continue;
    }
    format::IndexSegment segment;
    segment.packs.push_back({id, description->size_bytes, std::move(description->directory)});
    CAIRN_TRY_STATUS(state.catalogue->ingest(adopted_segment_id(id), segment));
    adopted += 1;
  }
  return adopted;
}

/// Forgets what is no longer listed.
core::Status drop_vanished(State& state, const Listing& listing) {
  CAIRN_TRY(auto known, state.catalogue->segments());
  std::erase_if(known, [&listing](const IndexSegmentId& id) {
    return !std::ranges::binary_search(listing.segments, id) &&
           !listing.packs.contains(PackId::from(id.view()));
  });
  return state.catalogue->retain(known);
}

/// Notes packs that a segment lists but that are gone.
core::Status note_missing(State& state, const Listing& listing) {
  std::unordered_set<store::PackNumber> missing;
  // Before the packs are gone through: what enters the catalogue meanwhile is not compared with
  // the listing, and has a higher number.
  CAIRN_TRY(state.first_unseen_pack, state.catalogue->next_pack());
  CAIRN_TRY_STATUS(state.catalogue->for_each_pack([&](store::PackNumber number, const PackId& id,
                                                      std::uint64_t /*size*/,
                                                      format::BlockKind /*kind*/) -> core::Status {
    if (!listing.packs.contains(id)) {
      missing.insert(number);
    }
    return {};
  }));
  state.missing_packs->assign(std::move(missing));
  return {};
}

core::Status bring_up_to_date(State& state, Observer& observer) {
  const std::uint64_t begin_ns = state.environment.clock.monotonic_ns();
  if (!state.catalogue) {
    CAIRN_TRY_STATUS(open_catalogue(state));
  }
  CAIRN_TRY(const Listing listing, list_objects(*state.backend));
  CAIRN_TRY(const std::size_t ingested, ingest_segments(state, listing, observer));
  CAIRN_TRY_STATUS(drop_vanished(state, listing));
  // After that: a pack may have lost the only segment that listed it.
  CAIRN_TRY(const std::size_t adopted, adopt_packs(state, listing, observer));
  CAIRN_TRY_STATUS(note_missing(state, listing));
  state.listed_bytes = listing.bytes;
  if (ingested != 0 || adopted != 0) {
    const auto ms = (state.environment.clock.monotonic_ns() - begin_ns) / 1'000'000;
    observer.detail(
        fmt::format("catalogue {}: {} index segments and {} single packs read in {} ms",
                    state.catalogue->started_empty() ? "made new" : "brought up to date", ingested,
                    adopted, ms));
  }
  return {};
}

}  // namespace

core::Status ensure_catalogue(State& state, Observer& observer) {
  auto status = bring_up_to_date(state, observer);
  if (!status && status.error().code() == core::ErrorCode::corrupt) {
    return rebuild_catalogue(state, observer);
  }
  return status;
}

core::Status refresh_catalogue(State& state) {
  Observer nobody;
  return bring_up_to_date(state, nobody);
}

core::Result<std::optional<store::ChunkLocation>> locate_chunk(const State& state,
                                                               const ChunkId& id) {
  CAIRN_TRY(const auto present, state.catalogue->find(id, state.present_packs()));
  return present ? present : state.catalogue->find(id);
}

core::Result<std::vector<std::optional<store::ChunkLocation>>> locate_chunks(
    const State& state, std::span<const ChunkId> ids) {
  CAIRN_TRY(auto locations, state.catalogue->find_all(ids, state.present_packs()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!locations[i]) {
      CAIRN_TRY(locations[i], state.catalogue->find(ids[i]));
    }
  }
  return locations;
}

core::Status rebuild_catalogue(State& state, Observer& observer) {
  close_catalogue(state);
  CAIRN_TRY_STATUS(store::Catalogue::discard(state.catalogue_folder));
  return bring_up_to_date(state, observer);
}

}  // namespace cairn::repo::ops
