#pragma once

#include <cstdint>
#include <set>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/progress/progress_meter.h"
#include "ops/progress/stage_times.h"
#include "ops/repository/write_view.h"
#include "ops/writing/block_buffers.h"
#include "ops/writing/claim_table.h"
#include "ops/writing/index_publisher.h"
#include "ops/writing/packer.h"
#include "ops/writing/storage_room.h"
#include "store/packs/block_sealer.h"

/// The writing half of a session: chunks come in, packs and index segments go out.
namespace cairn::repo::ops {

struct ChunkStoreOptions {
  int compression_level = 3;  ///< for whoever fills blocks
  bool dry_run = false;       ///< compresses and counts, writes nothing
  /// Not nullptr: only these are stored. Must outlive the store.
  const std::set<ChunkId>* only = nullptr;
  StorageLimit limit = {};      ///< ends the store with no_space before it is exceeded
  StageTimes* times = nullptr;  ///< if they are to be measured
};

/// Stores the chunks of a session's threads. Each claims a chunk here and puts it into a block of
/// its own BlockWriter, which passes full blocks to the packer. Thread-safe except for
/// publish_all().
///
/// Order of a session's writes: packs, then the index segment that lists them, then the catalogue;
/// the snapshot comes after publish_all(), when everything it needs is durable.
///
/// At the size limit everything accepted before is published and listed, then the store ends with
/// no_space: the next run finds all of it.
///
/// Memory: claims, and directories of the packs that no segment lists (about 120 bytes a chunk, so
/// 12 MiB with those of the open packs), 6 MiB in the queue to the packing thread, 3 MiB of spare
/// memory of blocks, and, if there is enough to write, twice that of SegmentHasher.
class ChunkStore {
 public:
  ChunkStore(WriteView view, const ChunkStoreOptions& options, ProgressMeter& meter);

  /// ClaimTable::claim(). An error ends the store: it has nothing to do with the object being
  /// stored.
  [[nodiscard]] core::Result<bool> claim(const ChunkId& id);

  [[nodiscard]] const ChunkStoreOptions& options() const noexcept { return options_; }
  /// For one thread, which seals what it hands to the packer.
  [[nodiscard]] store::BlockSealer make_sealer(format::BlockKind kind) const {
    return {*view_.repository.keys, view_.repository.environment.random, kind};
  }
  [[nodiscard]] BlockBuffers& buffers() noexcept { return buffers_; }
  [[nodiscard]] Packer& packer() noexcept { return packer_; }

  /// The error that ended the store, if one did. Workers call this now and then.
  [[nodiscard]] core::Status check() const { return packer_.check(); }
  /// The barrier before anything that relies on what was stored: a snapshot, records of the stat
  /// cache.
  core::Status publish_all() { return packer_.publish_all(); }
  /// After publish_all(): whether there is also space for a snapshot. Errors: no_space.
  [[nodiscard]] core::Status check_room_for(const Snapshot& snapshot) const {
    return index_.check_room_for(snapshot);
  }

  struct Totals {
    AddedBytes data;
    AddedBytes metadata;
    std::uint64_t data_packs = 0;
    std::uint64_t metadata_packs = 0;
    std::uint64_t pack_bytes = 0;
    std::uint64_t written_bytes = 0;  ///< packs and index segments
  };
  [[nodiscard]] Totals totals() const;

 private:
  WriteView view_;
  const ChunkStoreOptions options_;
  ClaimTable claims_;
  IndexPublisher index_;
  BlockBuffers buffers_;
  Packer packer_;
};

}  // namespace cairn::repo::ops
