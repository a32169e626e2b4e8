#pragma once

#include <cstdint>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/catalogue_view.h"

/// A client's chain: its snapshots are numbered and each contains the hash of the one before, so
/// that removing one without a tombstone leaves a gap that anybody with a key can see.
namespace cairn::repo::ops {

/// Signs, seals and publishes the snapshot as the next of this client's chain, and remembers it. A
/// catalogue without a chain starts a new one. So does one whose chain went on without it (the
/// cache was set back, or copied to another machine: reported as a detail) or lost its end (the
/// storage was set back: reported as a warning). Processes that share a catalogue take turns.
///
/// Success once the snapshot exists: if the storage returned an error but the snapshot is found,
/// that is only a warning, as is whatever fails afterwards. Errors: already_exists (the session was
/// fenced), busy, no_space, io.
core::Status publish_snapshot(CatalogueView view, const SnapshotId& id, const Snapshot& snapshot,
                              std::uint64_t& written_bytes, Observer& observer);

/// Acknowledges that snapshots were lost, so that audits stop reporting it: each snapshot that a
/// chain, or this client, knows, but that neither exists nor was forgotten, gets a tombstone, and
/// is reported as a warning. Errors: of the backend; not_permitted.
core::Status acknowledge_lost_snapshots(const OpenRepository& repository, bool dry_run,
                                        Observer& observer);

/// What this client remembers of its chain's end; for verify. nullopt if it has none.
struct ChainHead {
  ChainId chain;
  std::uint64_t sequence = 0;
  SnapshotId last;
  core::Hash256 last_hash;

  friend bool operator==(const ChainHead&, const ChainHead&) = default;
};
[[nodiscard]] core::Result<std::optional<ChainHead>> chain_head(CatalogueView view);

}  // namespace cairn::repo::ops
