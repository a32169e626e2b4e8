#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "cairn/core/bounded_queue.h"
#include "cairn/core/hash_lanes.h"
#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "format/pack.h"
#include "ops/progress/progress_meter.h"
#include "ops/progress/stage_times.h"
#include "ops/repository/state.h"
#include "ops/writing/storage_room.h"
#include "store/packs/block_sealer.h"
#include "store/packs/pack_writer.h"

/// The writing half of a session: chunks come in, packs and index segments go out.
namespace cairn::repo::ops {

struct ChunkStoreOptions {
  int compression_level = 3;  ///< of whoever fills blocks
  bool dry_run = false;       ///< compresses and counts, writes nothing
  /// Not nullptr: only these are stored. Must outlive the store.
  const std::set<ChunkId>* only = nullptr;
  StorageLimit limit = {};  ///< ends the store with no_space before it is passed
  StageTimes& times;
};

/// Deduplicates and stores chunks. Thread-safe but for finish().
///
/// One thread packs, so that little data makes few packs; if the system has no room for it, the
/// store is broken from the start, and says so when it is asked. What comes in faster than it can
/// write, or while it waits for the disk, goes the second way: see put().
///
/// Order of a session's writes: packs, then the index segment that lists them, then the catalogue;
/// the snapshot comes after finish(), when everything it needs is durable. A checkpoint (index
/// segment) is due once kCheckpointBytes or kCheckpointChunks lie in packs that no segment lists.
///
/// At the size limit everything that was taken before is published and listed, then the store ends
/// with no_space: the next run finds it all.
///
/// Memory: the ids and directories of the chunks since the last checkpoint (some 120 bytes each, so
/// 12 MiB with those of the open packs), 6 MiB in the queue to the packing thread, 3 MiB of spare
/// memory of blocks, and twice that of SegmentHasher, if there is so much to write.
class ChunkStore {
 public:
  ChunkStore(State& state, const ChunkStoreOptions& options, ProgressMeter& meter);
  ~ChunkStore();
  ChunkStore(const ChunkStore&) = delete;
  ChunkStore& operator=(const ChunkStore&) = delete;

  /// True if this caller must store the chunk: it is wanted, nobody has it, and nobody else was
  /// told to store it.
  [[nodiscard]] core::Result<bool> claim(const ChunkId& id);

  [[nodiscard]] const ChunkStoreOptions& options() const noexcept { return options_; }
  /// For one thread, which seals what it hands over.
  [[nodiscard]] store::BlockSealer make_sealer(format::BlockKind kind) const {
    return {*state_.keys, state_.environment.random, kind};
  }
  /// Memory of a block that has been written, for the next one; it may be empty.
  [[nodiscard]] core::Bytes take_spare();

  /// Hands a block to the packing thread: one that make_sealer()'s sealer has sealed (in a dry run
  /// its bytes may be anything of that length), or one of another pack that the caller has checked.
  /// While that thread is behind, the first who comes writes the block itself, into a pack beside
  /// that thread's; all others wait.
  core::Status put(store::SealedBlock block);

  /// The error that ended the store, if one did. Workers ask now and then.
  [[nodiscard]] core::Status check() const;

  /// Waits until every block stored so far lies in a published pack, and every pack in a published
  /// index segment. Nothing must be stored meanwhile.
  core::Status settle();

  /// As settle(), and ends the packing thread. Call once, after the last store(). The barrier
  /// before the snapshot.
  core::Status finish();

  /// After finish(): whether there is room for a snapshot, too. Errors: no_space.
  [[nodiscard]] core::Status check_room_for(const Snapshot& snapshot) const;

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
  /// nullopt: no block, publish what there is.
  using Work = std::optional<store::SealedBlock>;
  /// A pack that is being filled, or none yet.
  struct OpenPack {
    explicit OpenPack(core::HashKernel kernel = core::best_hash_kernel()) : segments(kernel) {}

    std::unique_ptr<store::PackWriter> writer;
    store::SegmentHasher segments;
  };
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;
    std::unordered_set<ChunkId> ids;
  };

  core::Status run();
  core::Status hand_over(Work work);
  core::Status pack(store::SealedBlock block);
  core::Status write(store::SealedBlock& block);
  [[nodiscard]] bool may_go_beside(const store::SealedBlock& block) const noexcept;
  core::Status pack_beside(store::SealedBlock block);
  core::Status append(OpenPack& pack, store::SealedBlock& block);
  core::Status make_room(OpenPack& pack, const format::BlockRecord& record);
  void count(const store::SealedBlock& block);
  void keep_memory(core::Bytes memory);
  core::Status publish(OpenPack& pack);
  core::Status publish_all();
  core::Status publish_and_tell();
  core::Status checkpoint();
  void break_with(core::Error error);
  [[nodiscard]] Shard& shard(const ChunkId& id) noexcept;

  State& state_;
  ChunkStoreOptions options_;
  ProgressMeter& meter_;
  const store::PackFilter usable_;
  std::array<Shard, kShards> shards_;
  core::BoundedQueue<Work> queue_;

  mutable std::mutex mutex_;  ///< totals_, broken_, spares, settled_
  std::condition_variable settled_changed_;
  bool settled_ = false;
  Totals totals_;
  std::optional<core::Error> broken_;
  std::vector<core::Bytes> spare_;  ///< of blocks, to use again
  std::size_t spare_bytes_ = 0;

  /// The packing thread's own, one of each kind. Of nodes there is little to hash: with one lane
  /// it takes 1 MiB instead of 8.
  std::array<OpenPack, 2> open_{OpenPack(), OpenPack(core::HashKernel::libsodium)};

  std::mutex beside_mutex_;  ///< beside_
  OpenPack beside_;          ///< of data, for whoever finds the queue full

  std::mutex publishing_;  ///< what follows; beside_mutex_ comes before it
  StorageRoom room_;
  std::vector<format::IndexedPack> published_;  ///< not listed yet
  std::uint64_t published_bytes_ = 0;
  std::uint64_t published_chunks_ = 0;

  core::GuardedThread thread_;
};

}  // namespace cairn::repo::ops
