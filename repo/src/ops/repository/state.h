#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cairn/repo/repository.h"
#include "format/config.h"
#include "ops/repository/catalogue_home.h"
#include "ops/repository/missing_packs.h"
#include "ops/repository/usable_packs.h"
#include "store/backend/backend.h"
#include "store/catalogue/catalogue.h"
#include "store/chunks/chunk_reader.h"
#include "store/objects/key_ring.h"
#include "store/packs/pack_reader.h"

namespace cairn::repo::ops {

/// An open repository's parts, shared by the verbs.
struct State {
  Environment environment;
  std::string location;
  std::unique_ptr<store::Backend> backend;
  format::Config config;
  KeySlotId slot;
  std::unique_ptr<store::KeyRing> keys;
  std::string catalogue_folder;
  std::unique_ptr<TemporaryFolder> temporary_catalogue;  ///< if that is one
  bool writes_catalogue = false;  ///< one that can only be read is of no use (WritingSession)
  std::unique_ptr<store::Catalogue> catalogue;  ///< nullptr until ensure_catalogue()
  std::unique_ptr<store::BlockReader> blocks;
  std::unique_ptr<store::ChunkReader> chunks;  ///< nullptr until ensure_catalogue()
  /// Packs that an index segment lists but that are gone or have another size, as of the last
  /// ensure_catalogue().
  std::unique_ptr<MissingPacks> missing_packs;
  /// Lets through what is there, as far as a listing tells. Must not outlive the state.
  [[nodiscard]] store::PackFilter present_packs() const {
    return [missing = missing_packs.get()](store::PackNumber pack) {
      return !missing->contains(pack);
    };
  }
  /// What the last ensure_catalogue() saw has lower numbers. Those from here on another process has
  /// put into the catalogue since, perhaps from what it read before they were deleted.
  store::PackNumber first_unseen_pack{};
  /// All packs and index segments, as of the last ensure_catalogue().
  std::uint64_t listed_bytes = 0;
  /// What a new snapshot may rely on; set by WritingSession.
  std::unique_ptr<UsablePacks> usable_packs;
  /// Damage met while opening (one bad copy of the config, of a slot): verify reports it.
  std::vector<std::string> opening_damage;
};

/// A location in a pack that is there; failing that, in one that is listed and gone. Requires
/// ensure_catalogue().
[[nodiscard]] core::Result<std::optional<store::ChunkLocation>> locate_chunk(const State& state,
                                                                             const ChunkId& id);

/// The same for many: each leaf of the catalogue is read once.
[[nodiscard]] core::Result<std::vector<std::optional<store::ChunkLocation>>> locate_chunks(
    const State& state, std::span<const ChunkId> ids);

/// Opens the catalogue if it is not open yet and brings it up to the index segments that the
/// repository lists. A damaged or missing catalogue is made again from them; an index segment that
/// is damaged or missing is made good from the directories of the packs that no segment lists.
/// Tells the observer (detail) how long a rebuild took.
core::Status ensure_catalogue(State& state, Observer& observer);

/// Brings the open catalogue up to date for a reader whom a prune has moved something away from.
/// Tells nobody. Several threads may call it, one after the other. Errors: as ensure_catalogue(),
/// and corrupt: only a verb as a whole can begin with a new catalogue.
core::Status refresh_catalogue(State& state);

/// Makes what the catalogue says of chunks and packs again: after it sent a reader to the wrong
/// place. A damaged one is thrown away as a whole, stat cache and all, which is told as a warning.
core::Status rebuild_catalogue(State& state, Observer& observer);

/// True if an operation failed because the catalogue is damaged, and not something else.
[[nodiscard]] inline bool is_damage_of_catalogue(const State& state, const core::Error& error) {
  return error.code() == core::ErrorCode::corrupt &&
         (state.catalogue == nullptr || state.catalogue->saw_damage());
}
template <class Outcome>
[[nodiscard]] bool is_damage_of_catalogue(const State& state, const Outcome& outcome) {
  return !outcome && is_damage_of_catalogue(state, outcome.error());
}

/// A verb's work; once more, with a new catalogue, if that turned out to be damaged on the way.
/// `shown`: whether something was shown by then that cannot be taken back. Then the verb fails, and
/// the next one has a catalogue that is good.
template <class Work>
[[nodiscard]] auto with_sound_catalogue(State& state, Observer& observer, const Work& work,
                                        const bool* shown = nullptr) -> decltype(work()) {
  auto outcome = work();
  if (is_damage_of_catalogue(state, outcome)) {
    CAIRN_TRY_STATUS(rebuild_catalogue(state, observer));
    if (shown != nullptr && *shown) {
      return core::fail(std::move(outcome).error().with_hint("it has been made anew: try again"));
    }
    outcome = work();
  }
  return outcome;
}

}  // namespace cairn::repo::ops
