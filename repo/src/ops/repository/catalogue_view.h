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

/// A repository whose catalogue is open: what whoever reads trees or looks for chunks is given, by
/// value. Must not outlive the repository.
///
/// Who has only a view cannot close the catalogue: that takes an OpenRepository that is not const
/// (ensure_catalogue(), rebuild_catalogue()). Views made before then show the new catalogue, too;
/// but numbers of packs, and places of chunks, that the old one gave mean nothing any more.
class CatalogueView {
 public:
  const OpenRepository& repository;

  /// For what needs no catalogue.
  operator const OpenRepository&() const noexcept { return repository; }

  [[nodiscard]] store::Catalogue& catalogue() const noexcept;
  [[nodiscard]] store::ChunkReader& chunks() const noexcept;
  [[nodiscard]] const std::string& catalogue_folder() const noexcept;

  /// Packs that an index segment lists but that are gone or have another size, as of the last look
  /// at the listing.
  [[nodiscard]] const MissingPacks& missing_packs() const noexcept;
  /// Lets through what is there, as far as a listing tells.
  [[nodiscard]] store::PackFilter present_packs() const;
  /// What the last look saw has lower numbers. Those from here on another process has put into the
  /// catalogue since, perhaps from what it read before they were deleted.
  [[nodiscard]] store::PackNumber first_unseen_pack() const noexcept;
  /// All packs and index segments, as of the last look.
  [[nodiscard]] std::uint64_t listed_bytes() const noexcept;

 private:
  explicit CatalogueView(const OpenRepository& opened) noexcept : repository(opened) {}
  friend core::Result<CatalogueView> ensure_catalogue(OpenRepository& repository,
                                                      Observer& observer);
  friend std::optional<CatalogueView> catalogue_if_open(const OpenRepository& repository);
};

/// Opens the catalogue if it is not open yet and brings it up to the index segments that the
/// repository lists. A damaged or missing catalogue is made again from them; an index segment that
/// is damaged or missing is made good from the directories of the packs that no segment lists.
/// Tells the observer (detail) how long a rebuild took.
[[nodiscard]] core::Result<CatalogueView> ensure_catalogue(OpenRepository& repository,
                                                           Observer& observer);
/// The same for a session. If it writes, a catalogue that can only be read is of no use to it.
[[nodiscard]] core::Result<CatalogueView> ensure_catalogue_of_session(OpenRepository& repository,
                                                                      bool writes,
                                                                      Observer& observer);
/// As it was left. nullopt: it is not open.
[[nodiscard]] std::optional<CatalogueView> catalogue_if_open(const OpenRepository& repository);

/// Brings the catalogue up to date for a reader whom a prune has moved something away from. Tells
/// nobody. Several threads may call it, one after the other. Errors: as ensure_catalogue(), and
/// corrupt: only a verb as a whole can begin with a new catalogue.
core::Status refresh_catalogue(CatalogueView view);

/// Makes what the catalogue says of chunks and packs again: after it sent a reader to the wrong
/// place. A damaged one is thrown away as a whole, stat cache and all, which is told as a warning.
core::Status rebuild_catalogue(OpenRepository& repository, Observer& observer);

/// A location in a pack that is there; failing that, in one that is listed and gone.
[[nodiscard]] core::Result<std::optional<store::ChunkLocation>> locate_chunk(CatalogueView view,
                                                                             const ChunkId& id);
/// The same for many: each leaf of the catalogue is read once.
[[nodiscard]] core::Result<std::vector<std::optional<store::ChunkLocation>>> locate_chunks(
    CatalogueView view, std::span<const ChunkId> ids);

/// True if an operation failed because the catalogue is damaged, and not something else.
[[nodiscard]] bool is_damage_of_catalogue(const OpenRepository& repository,
                                          const core::Error& error);
template <class Outcome>
[[nodiscard]] bool is_damage_of_catalogue(const OpenRepository& repository,
                                          const Outcome& outcome) {
  return !outcome && is_damage_of_catalogue(repository, outcome.error());
}

/// A verb's work, which opens the catalogue itself; once more, with a new catalogue, if that turned
/// out to be damaged on the way. `shown`: whether something was shown by then that cannot be taken
/// back. Then the verb fails, and the next one has a catalogue that is good.
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

/// The same for work that is given the view.
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
