#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "ops/repository/state.h"
#include "store/objects/records.h"

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

/// What another place for the catalogue helps against: this one cannot be written, or is full.
bool wants_another_place(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::permission_denied || code == core::ErrorCode::no_space ||
         code == core::ErrorCode::io;
}

core::Result<std::unique_ptr<store::Catalogue>> open_files(State& state, Observer& observer) {
  if (!state.temporary_catalogue) {
    CAIRN_TRY_STATUS(
        prepare_cache_folder(state.environment.cache_folder, state.catalogue_folder, observer));
  }
  return store::Catalogue::open(
      {.folder = state.catalogue_folder, .repository = state.config.repository_id});
}

core::Status open_catalogue(State& state, Observer& observer) {
  auto opened = open_files(state, observer);
  if (!opened && wants_another_place(opened.error().code()) && !state.writes_catalogue) {
    // On a read-only disk what is there may be all that is needed.
    auto as_it_is = store::Catalogue::open({.folder = state.catalogue_folder,
                                            .repository = state.config.repository_id,
                                            .read_only = true});
    if (as_it_is) {
      opened = std::move(as_it_is);
    }
  }
  CAIRN_TRY(state.catalogue, std::move(opened));
  state.chunks = std::make_unique<store::ChunkReader>(
      *state.blocks, *state.catalogue, *state.keys, state.present_packs(),
      [&state] { return refresh_catalogue(state); });
  return {};
}

/// What the catalogue itself could not do, as opposed to the repository.
template <class Answer>
Answer of_catalogue(bool& failed, Answer answer) {
  failed = failed || !answer;
  return answer;
}

/// Requires that the catalogue is closed.
core::Status move_to_temporary_folder(State& state) {
  CAIRN_TRY(state.temporary_catalogue,
            TemporaryFolder::make(state.environment.temporary_folders, state.environment.process));
  state.catalogue_folder = state.temporary_catalogue->path() + "/catalogue";
  return {};
}

void close_catalogue(State& state) {
  state.chunks.reset();
  state.catalogue.reset();
  state.missing_packs->assign({}, {});
}

void tell_loss(Observer& observer, std::string_view reason) {
  observer.warning(
      fmt::format("{}: it is made anew from the repository. What the last backup saw of each file "
                  "stood there too, so the next one reads all of them",
                  reason));
}

/// Ingests listed segments that the catalogue lacks. Damaged ones are told and passed over: their
/// packs are adopted one by one.
core::Result<std::size_t> ingest_segments(State& state, const Listing& listing, Observer& observer,
                                          bool& failed) {
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
    CAIRN_TRY_STATUS(of_catalogue(failed, state.catalogue->ingest(id, *segment)));
    ingested += 1;
  }
  return ingested;
}

core::Result<std::size_t> adopt_packs(State& state, const Listing& listing, Observer& observer,
                                      bool& failed) {
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
    CAIRN_TRY_STATUS(
        of_catalogue(failed, state.catalogue->ingest(adopted_segment_id(id), segment)));
    adopted += 1;
  }
  return adopted;
}

/// Forgets what is no longer listed.
core::Status drop_vanished(State& state, const Listing& listing) {
  CAIRN_TRY(auto known, state.catalogue->segments());
  const std::size_t vanished = std::erase_if(known, [&listing](const IndexSegmentId& id) {
    return !std::ranges::binary_search(listing.segments, id) &&
           !listing.packs.contains(PackId::from(id.view()));
  });
  return vanished == 0 ? core::Status() : state.catalogue->retain(known);
}

/// Notes packs that a segment lists but that are gone, or have another size than it says.
core::Status note_missing(State& state, const Listing& listing) {
  MissingPacks::Packs gone;
  MissingPacks::Packs resized;
  // Before the packs are gone through: what enters the catalogue meanwhile is not compared with
  // the listing, and has a higher number.
  CAIRN_TRY(state.first_unseen_pack, state.catalogue->next_pack());
  CAIRN_TRY_STATUS(state.catalogue->for_each_pack([&](store::PackNumber number, const PackId& id,
                                                      std::uint64_t size_bytes,
                                                      format::BlockKind /*kind*/) -> core::Status {
    const auto found = listing.packs.find(id);
    if (found == listing.packs.end()) {
      gone.insert(number);
    } else if (found->second != size_bytes) {
      resized.insert(number);
    }
    return {};
  }));
  state.missing_packs->assign(std::move(gone), std::move(resized));
  return {};
}

/// `failed`: the catalogue's own files are what went wrong.
core::Status bring_up_to_date(State& state, Observer& observer, bool& failed) {
  const std::uint64_t begin_ns = state.environment.clock.monotonic_ns();
  if (!state.catalogue) {
    CAIRN_TRY_STATUS(of_catalogue(failed, open_catalogue(state, observer)));
    if (const std::string reason = state.catalogue->discarded_because(); !reason.empty()) {
      tell_loss(observer, reason);
    }
  }
  CAIRN_TRY(const Listing listing, list_objects(*state.backend));
  CAIRN_TRY(const std::size_t ingested, ingest_segments(state, listing, observer, failed));
  CAIRN_TRY_STATUS(of_catalogue(failed, drop_vanished(state, listing)));
  // After that: a pack may have lost the only segment that listed it.
  CAIRN_TRY(const std::size_t adopted, adopt_packs(state, listing, observer, failed));
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

/// As bring_up_to_date(). If the cache cannot hold the catalogue, it is made elsewhere, for this
/// run alone.
core::Status bring_up_somewhere(State& state, Observer& observer) {
  bool failed = false;
  if (state.catalogue_folder.empty()) {
    CAIRN_TRY_STATUS(move_to_temporary_folder(state));
  } else if (state.catalogue && state.catalogue->is_read_only() && state.writes_catalogue) {
    close_catalogue(state);
  }
  core::Status status = bring_up_to_date(state, observer, failed);
  if (status || !failed || state.temporary_catalogue ||
      !wants_another_place(status.error().code())) {
    return status;
  }
  close_catalogue(state);
  const std::string reason = status.error().message();
  const core::Status moved = move_to_temporary_folder(state);
  if (!moved) {
    return status;
  }
  observer.warning(fmt::format(
      "{}: this run makes a catalogue of its own in {}, for which it reads the whole index; "
      "CAIRN_CACHE_DIR names another place for one that lasts",
      reason, state.catalogue_folder));
  return bring_up_to_date(state, observer, failed);
}

}  // namespace

core::Status ensure_catalogue(State& state, Observer& observer) {
  if (!state.catalogue) {
    const Environment& world = state.environment;
    const std::uint64_t removed = remove_dead_temporary_folders(
        world.temporary_folders, world.process, world.process_is_gone);
    if (removed > 0) {
      observer.detail(
          fmt::format("catalogues removed that killed runs had made for themselves: {}", removed));
    }
  }
  if (state.chunks) {
    state.chunks->expect_changes();
  }
  auto status = bring_up_somewhere(state, observer);
  return is_damage_of_catalogue(state, status) ? rebuild_catalogue(state, observer) : status;
}

core::Status refresh_catalogue(State& state) {
  Observer nobody;
  bool failed = false;
  return bring_up_to_date(state, nobody, failed);
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
  if (state.catalogue && !state.catalogue->saw_damage() && !state.catalogue->is_read_only()) {
    // Everything in it is sound as far as anybody knows, so only what says where chunks are is made
    // again: the stat cache and the notes stay. All packs count as dead and new, so the stat cache
    // has to prove what it says.
    auto status = state.catalogue->retain({});
    if (status) {
      status = bring_up_somewhere(state, observer);
    }
    if (!is_damage_of_catalogue(state, status)) {
      return status;
    }
  }
  close_catalogue(state);
  const core::Status discarded = state.catalogue_folder.empty()
                                     ? core::Status()
                                     : store::Catalogue::discard(state.catalogue_folder);
  tell_loss(observer, fmt::format("the catalogue {} is damaged", state.catalogue_folder));
  if (!discarded) {
    // What is there is of no use and cannot be made anew.
    CAIRN_TRY_STATUS(move_to_temporary_folder(state));
    observer.warning(discarded.error().message());
  }
  return bring_up_somewhere(state, observer);
}

}  // namespace cairn::repo::ops
