#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "ops/repository/catalogue_view.h"
#include "ops/repository/local_catalogue.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

/// A pack that no index segment lists (left by an interrupted session, or its segment is damaged)
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

/// True for errors that another place for the catalogue can avoid: it cannot be written, or is
/// full.
bool wants_another_place(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::permission_denied || code == core::ErrorCode::no_space ||
         code == core::ErrorCode::io;
}

core::Result<std::unique_ptr<store::Catalogue>> open_files(const OpenRepository& repository,
                                                           Observer& observer) {
  const LocalCatalogue& local = *repository.local;
  if (!local.temporary) {
    CAIRN_TRY_STATUS(
        prepare_cache_folder(repository.environment.cache_folder, local.folder, observer));
  }
  return store::Catalogue::open(
      {.folder = local.folder, .repository = repository.config.repository_id});
}

core::Status open_catalogue(const OpenRepository& repository, Observer& observer) {
  const LocalCatalogue& local = *repository.local;
  auto opened = open_files(repository, observer);
  if (!opened && wants_another_place(opened.error().code()) && !local.is_for_writing) {
    // On a read-only disk the existing catalogue may be all that is needed.
    auto as_it_is = store::Catalogue::open(
        {.folder = local.folder, .repository = repository.config.repository_id, .read_only = true});
    if (as_it_is) {
      opened = std::move(as_it_is);
    }
  }
  CAIRN_TRY(auto catalogue, std::move(opened));
  install_catalogue(repository, std::move(catalogue));
  return {};
}

/// Errors of the catalogue itself, as opposed to the repository.
template <class Answer>
Answer of_catalogue(bool& failed, Answer answer) {
  failed = failed || !answer;
  return answer;
}

/// Requires the catalogue to be closed.
core::Status move_to_temporary_folder(const OpenRepository& repository) {
  LocalCatalogue& local = *repository.local;
  CAIRN_TRY(local.temporary, TemporaryFolder::make(repository.environment.temporary_folders,
                                                   repository.environment.process));
  local.folder = local.temporary->path() + "/catalogue";
  return {};
}

void close_catalogue(LocalCatalogue& local) {
  local.chunks.reset();
  local.catalogue.reset();
  local.missing_packs.assign({}, {});
}

void tell_loss(Observer& observer, std::string_view reason) {
  observer.warning(
      fmt::format("{}: it is made anew from the repository. What the last backup saw of each file "
                  "stood there too, so the next one reads all of them",
                  reason));
}

/// Ingests listed segments that the catalogue lacks. Damaged ones are reported and skipped: their
/// packs are adopted one by one.
core::Result<std::size_t> ingest_segments(const OpenRepository& repository, const Listing& listing,
                                          Observer& observer, bool& failed) {
  store::Catalogue& catalogue = *repository.local->catalogue;
  CAIRN_TRY(auto known, catalogue.segments());
  std::ranges::sort(known);
  std::size_t ingested = 0;
  for (const IndexSegmentId& id : listing.segments) {
    if (std::ranges::binary_search(known, id)) {
      continue;
    }
    auto segment = store::get_index_segment(*repository.backend, *repository.keys, id);
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
    CAIRN_TRY_STATUS(of_catalogue(failed, catalogue.ingest(id, *segment)));
    ingested += 1;
  }
  return ingested;
}

core::Result<std::size_t> adopt_packs(const OpenRepository& repository, const Listing& listing,
                                      Observer& observer, bool& failed) {
  store::Catalogue& catalogue = *repository.local->catalogue;
  std::size_t adopted = 0;
  for (const auto& [id, size_bytes] : listing.packs) {
    CAIRN_TRY(const auto number, catalogue.find_pack(id));
    if (number) {
      continue;
    }
    auto description = store::read_pack_description(*repository.backend, *repository.keys, id);
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
    CAIRN_TRY_STATUS(of_catalogue(failed, catalogue.ingest(adopted_segment_id(id), segment)));
    adopted += 1;
  }
  return adopted;
}

/// Drops what is no longer listed.
core::Status drop_vanished(store::Catalogue& catalogue, const Listing& listing) {
  CAIRN_TRY(auto known, catalogue.segments());
  const std::size_t vanished = std::erase_if(known, [&listing](const IndexSegmentId& id) {
    return !std::ranges::binary_search(listing.segments, id) &&
           !listing.packs.contains(PackId::from(id.view()));
  });
  return vanished == 0 ? core::Status() : catalogue.retain(known);
}

/// Notes packs that a segment lists but that are gone, or have another size than it says.
core::Status note_missing(LocalCatalogue& local, const Listing& listing) {
  MissingPacks::Packs gone;
  MissingPacks::Packs resized;
  // Before the packs are compared: what enters the catalogue later is not compared with the
  // listing, and has a higher number.
  CAIRN_TRY(local.first_unseen_pack, local.catalogue->next_pack());
  CAIRN_TRY_STATUS(local.catalogue->for_each_pack([&](store::PackNumber number, const PackId& id,
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
  local.missing_packs.assign(std::move(gone), std::move(resized));
  return {};
}

/// `failed`: set if the catalogue's own files were the cause.
core::Status bring_up_to_date(const OpenRepository& repository, Observer& observer, bool& failed) {
  LocalCatalogue& local = *repository.local;
  const std::uint64_t begin_ns = repository.environment.clock.monotonic_ns();
  if (!local.catalogue) {
    CAIRN_TRY_STATUS(of_catalogue(failed, open_catalogue(repository, observer)));
    if (const std::string reason = local.catalogue->discarded_because(); !reason.empty()) {
      tell_loss(observer, reason);
    }
  }
  CAIRN_TRY(const Listing listing, list_objects(*repository.backend));
  CAIRN_TRY(const std::size_t ingested, ingest_segments(repository, listing, observer, failed));
  CAIRN_TRY_STATUS(of_catalogue(failed, drop_vanished(*local.catalogue, listing)));
  // After that, because a pack may have lost the only segment that listed it.
  CAIRN_TRY(const std::size_t adopted, adopt_packs(repository, listing, observer, failed));
  CAIRN_TRY_STATUS(note_missing(local, listing));
  local.listed_bytes = listing.bytes;
  if (ingested != 0 || adopted != 0) {
    const auto ms = (repository.environment.clock.monotonic_ns() - begin_ns) / 1'000'000;
    observer.detail(
        fmt::format("catalogue {}: {} index segments and {} single packs read in {} ms",
                    local.catalogue->started_empty() ? "made new" : "brought up to date", ingested,
                    adopted, ms));
  }
  return {};
}

/// As bring_up_to_date(). If the cache cannot hold the catalogue, it is made elsewhere, for this
/// run alone.
core::Status bring_up_somewhere(const OpenRepository& repository, Observer& observer) {
  LocalCatalogue& local = *repository.local;
  bool failed = false;
  if (local.folder.empty()) {
    CAIRN_TRY_STATUS(move_to_temporary_folder(repository));
  } else if (local.catalogue && local.catalogue->is_read_only() && local.is_for_writing) {
    close_catalogue(local);
  }
  core::Status status = bring_up_to_date(repository, observer, failed);
  if (status || !failed || local.temporary || !wants_another_place(status.error().code())) {
    return status;
  }
  close_catalogue(local);
  const std::string reason = status.error().message();
  const core::Status moved = move_to_temporary_folder(repository);
  if (!moved) {
    return status;
  }
  observer.warning(fmt::format(
      "{}: this run makes a catalogue of its own in {}, for which it reads the whole index; "
      "CAIRN_CACHE_DIR names another place for one that lasts",
      reason, local.folder));
  return bring_up_to_date(repository, observer, failed);
}

/// For readers; reports nothing.
core::Status look_again(const OpenRepository& repository) {
  Observer nobody;
  bool failed = false;
  return bring_up_to_date(repository, nobody, failed);
}

}  // namespace

void install_catalogue(const OpenRepository& repository,
                       std::unique_ptr<store::Catalogue> catalogue) {
  LocalCatalogue& local = *repository.local;
  local.chunks.reset();
  local.catalogue = std::move(catalogue);
  local.chunks = std::make_unique<store::ChunkReader>(
      *repository.blocks, *local.catalogue, *repository.keys,
      [&missing = local.missing_packs](store::PackNumber pack) { return !missing.contains(pack); },
      [&repository] { return look_again(repository); },
      repository.environment.block_cache_bytes_max);
}

core::Result<CatalogueView> ensure_catalogue(OpenRepository& repository, Observer& observer) {
  LocalCatalogue& local = *repository.local;
  if (!local.catalogue) {
    const Environment& world = repository.environment;
    const std::uint64_t removed = remove_dead_temporary_folders(
        world.temporary_folders, world.process, world.process_is_gone);
    if (removed > 0) {
      observer.detail(
          fmt::format("catalogues removed that killed runs had made for themselves: {}", removed));
    }
  }
  if (local.chunks) {
    local.chunks->expect_changes();
  }
  auto status = bring_up_somewhere(repository, observer);
  if (is_damage_of_catalogue(repository, status)) {
    status = rebuild_catalogue(repository, observer);
  }
  CAIRN_TRY_STATUS(std::move(status));
  return CatalogueView(repository);
}

core::Result<CatalogueView> ensure_catalogue_of_session(OpenRepository& repository, bool writes,
                                                        Observer& observer) {
  repository.local->is_for_writing = writes;
  return ensure_catalogue(repository, observer);
}

std::optional<CatalogueView> catalogue_if_open(const OpenRepository& repository) {
  return repository.local->catalogue ? std::optional(CatalogueView(repository)) : std::nullopt;
}

core::Status refresh_catalogue(CatalogueView view) { return look_again(view.repository); }

store::Catalogue& CatalogueView::catalogue() const noexcept { return *repository.local->catalogue; }
store::ChunkReader& CatalogueView::chunks() const noexcept { return *repository.local->chunks; }
const std::string& CatalogueView::catalogue_folder() const noexcept {
  return repository.local->folder;
}
const MissingPacks& CatalogueView::missing_packs() const noexcept {
  return repository.local->missing_packs;
}
store::PackFilter CatalogueView::present_packs() const {
  return [&missing = missing_packs()](store::PackNumber pack) { return !missing.contains(pack); };
}
store::PackNumber CatalogueView::first_unseen_pack() const noexcept {
  return repository.local->first_unseen_pack;
}
std::uint64_t CatalogueView::listed_bytes() const noexcept {
  return repository.local->listed_bytes;
}

bool is_damage_of_catalogue(const OpenRepository& repository, const core::Error& error) {
  const LocalCatalogue& local = *repository.local;
  return error.code() == core::ErrorCode::corrupt &&
         (local.catalogue == nullptr || local.catalogue->saw_damage());
}

core::Result<std::optional<store::ChunkLocation>> locate_chunk(CatalogueView view,
                                                               const ChunkId& id) {
  CAIRN_TRY(const auto present, view.catalogue().find(id, view.present_packs()));
  return present ? present : view.catalogue().find(id);
}

core::Result<std::vector<std::optional<store::ChunkLocation>>> locate_chunks(
    CatalogueView view, std::span<const ChunkId> ids) {
  CAIRN_TRY(auto locations, view.catalogue().find_all(ids, view.present_packs()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!locations[i]) {
      CAIRN_TRY(locations[i], view.catalogue().find(ids[i]));
    }
  }
  return locations;
}

core::Status rebuild_catalogue(OpenRepository& repository, Observer& observer) {
  LocalCatalogue& local = *repository.local;
  if (local.catalogue && !local.catalogue->saw_damage() && !local.catalogue->is_read_only()) {
    // As far as is known, everything in it is intact, so only the locations of chunks are rebuilt:
    // the stat cache and the notes stay. All packs count as dead and new, so the stat cache has to
    // prove what it says.
    auto status = local.catalogue->retain({});
    if (status) {
      status = bring_up_somewhere(repository, observer);
    }
    if (!is_damage_of_catalogue(repository, status)) {
      return status;
    }
  }
  close_catalogue(local);
  const core::Status discarded =
      local.folder.empty() ? core::Status() : store::Catalogue::discard(local.folder);
  tell_loss(observer, fmt::format("the catalogue {} is damaged", local.folder));
  if (!discarded) {
    // The existing one is useless and cannot be rebuilt.
    CAIRN_TRY_STATUS(move_to_temporary_folder(repository));
    observer.warning(discarded.error().message());
  }
  return bring_up_somewhere(repository, observer);
}

}  // namespace cairn::repo::ops
