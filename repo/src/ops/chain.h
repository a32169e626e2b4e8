#pragma once

#include <cstdint>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/state.h"

/// A client's chain: its snapshots numbered and hashed one after the other, so that one that was
/// removed or rolled back without a tombstone leaves a gap that anybody with a key can see.
namespace cairn::repo::ops {

/// Signs, seals and publishes the snapshot as the next of this client's chain, and remembers it.
/// A catalogue that has no chain yet starts a new one. Processes that share a catalogue take turns.
/// Errors: already_exists (the session was fenced), busy, no_space, io.
core::Status publish_snapshot(State& state, const SnapshotId& id, const Snapshot& snapshot,
                              std::uint64_t& written_bytes);

/// What this client remembers of its chain's end; for verify. nullopt if it has none.
struct ChainHead {
  ChainId chain;
  std::uint64_t sequence = 0;
  SnapshotId last;
  core::Hash256 last_hash;

  friend bool operator==(const ChainHead&, const ChainHead&) = default;
};
[[nodiscard]] core::Result<std::optional<ChainHead>> chain_head(const State& state);

}  // namespace cairn::repo::ops
