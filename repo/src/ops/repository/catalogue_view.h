#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "ops/repository/missing_packs.h"
#include "ops/repository/open_repository.h"
#include "store/catalogue/catalogue.h"
#include "store/chunks/chunk_reader.h"

namespace cairn::repo::ops {

/// A repository whose catalogue is open: passed by value to everything that reads trees or looks
/// for chunks. Must not outlive the repository.
///
/// A view cannot close the catalogue: that takes an OpenRepository that is not const
/// (ensure_catalogue(), rebuild_catalogue()). Older views then use the new catalogue, too; but pack
/// numbers and chunk locations from the old one become invalid.
class CatalogueView {
 public:
  const OpenRepository& repository;

  /// For calls that need no catalogue.
  operator const OpenRepository&() const noexcept { return repository; }

  [[nodiscard]] store::Catalogue& catalogue() const noexcept;
  [[nodiscard]] store::ChunkReader& chunks() const noexcept;
  [[nodiscard]] const std::string& catalogue_folder() const noexcept;

  /// Packs that an index segment lists but that are gone or have another size, as of the last look
  /// at the listing.
  [[nodiscard]] const MissingPacks& missing_packs() const noexcept;
  /// Accepts the packs that exist, as far as a listing shows.
  [[nodiscard]] store::PackFilter present_packs() const;
  /// All packs that the last look saw have lower numbers. Those with this number or a higher one
  /// were added since by another process, perhaps from what it had read before they were deleted.
  [[nodiscard]] store::PackNumber first_unseen_pack() const noexcept;
  /// All packs and index segments, as of the last look.
  [[nodiscard]] std::uint64_t listed_bytes() const noexcept;

 private:
  explicit CatalogueView(const OpenRepository& opened) noexcept : repository(opened) {}
  friend core::Result<CatalogueView> ensure_catalogue(OpenRepository& repository,
                                                      Observer& observer);
  friend std::optional<CatalogueView> catalogue_if_open(const OpenRepository& repository);
};

/// Opens the catalogue if necessary and brings it up to date with the index segments that the
/// repository lists. A damaged or missing catalogue is rebuilt from them. A damaged or missing
/// index segment is replaced by the directories of the packs that no segment lists. Reports to the
/// observer (detail) how long a rebuild took.
[[nodiscard]] core::Result<CatalogueView> ensure_catalogue(OpenRepository& repository,
                                                           Observer& observer);
/// The same for a session. If it writes, a read-only catalogue does not suffice.
[[nodiscard]] core::Result<CatalogueView> ensure_catalogue_of_session(OpenRepository& repository,
                                                                      bool writes,
                                                                      Observer& observer);
/// Without bringing it up to date. nullopt: it is not open.
[[nodiscard]] std::optional<CatalogueView> catalogue_if_open(const OpenRepository& repository);

/// Brings the catalogue up to date for a reader when a prune has moved something that it needs.
/// Reports nothing. Several threads may call it, one after the other. Errors: as
/// ensure_catalogue(), and corrupt: only a verb as a whole can start again with a new catalogue.
core::Status refresh_catalogue(CatalogueView view);

/// Rebuilds the locations of chunks and packs after the catalogue sent a reader to the wrong place.
/// A damaged catalogue is discarded as a whole, stat cache included, with a warning.
core::Status rebuild_catalogue(OpenRepository& repository, Observer& observer);

/// A location in a pack that exists; failing that, in one that is listed but gone.
[[nodiscard]] core::Result<std::optional<store::ChunkLocation>> locate_chunk(CatalogueView view,
                                                                             const ChunkId& id);
/// The same for many ids: each leaf of the catalogue is read once.
[[nodiscard]] core::Result<std::vector<std::optional<store::ChunkLocation>>> locate_chunks(
    CatalogueView view, std::span<const ChunkId> ids);

/// True if an operation failed because the catalogue itself is damaged.
[[nodiscard]] bool is_damage_of_catalogue(const OpenRepository& repository,
                                          const core::Error& error);
template <class Outcome>
[[nodiscard]] bool is_damage_of_catalogue(const OpenRepository& repository,
                                          const Outcome& outcome) {
  return !outcome && is_damage_of_catalogue(repository, outcome.error());
}

/// Runs a verb's work, which opens the catalogue itself; runs it once more with a new catalogue if
/// that turned out to be damaged. `shown`: whether output was made that cannot be taken back; then
/// the verb fails, and the next one finds a good catalogue.
template <class Work>
[[nodiscard]] auto with_sound_catalogue(OpenRepository& repository, Observer& observer,
                                        const Work& work, const bool* shown = nullptr)
    -> decltype(work()) {
  auto outcome = work();
  if (is_damage_of_catalogue(repository, outcome)) {
    CAIRN_TRY_STATUS(rebuild_catalogue(repository, observer));
    if (shown != nullptr && *shown) {
      return core::fail(std::move(outcome).error().with_hint("it has been made anew: try again"));
    }
    outcome = work();
  }
  return outcome;
}

/// The same for work that takes the view.
template <class Work>
[[nodiscard]] auto with_catalogue(OpenRepository& repository, Observer& observer, const Work& work,
                                  const bool* shown = nullptr)
    -> decltype(work(std::declval<CatalogueView>())) {
  const auto open_and_work = [&]() -> decltype(work(std::declval<CatalogueView>())) {
    CAIRN_TRY(const CatalogueView view, ensure_catalogue(repository, observer));
    return work(view);
  };
  return with_sound_catalogue(repository, observer, open_and_work, shown);
}

}  // namespace cairn::repo::ops
