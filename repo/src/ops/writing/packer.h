#pragma once

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "cairn/core/bounded_queue.h"
#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "cairn/repo/snapshot.h"
#include "ops/progress/progress_meter.h"
#include "ops/progress/stage_times.h"
#include "ops/repository/open_repository.h"
#include "ops/writing/block_buffers.h"
#include "ops/writing/index_publisher.h"
#include "store/packs/block_sealer.h"
#include "store/packs/pack_writer.h"

namespace cairn::repo::ops {

/// Puts blocks of one kind into one pack after the other; passes full packs to the index when they
/// are published. Not thread-safe. Memory: that of PackWriter and SegmentHasher.
class PackLane {
 public:
  PackLane(const OpenRepository& repository, IndexPublisher& index, format::BlockKind kind);

  /// Publishes the open pack if the format's limits leave no space in it for this block.
  core::Status make_room_for(const format::BlockRecord& record);
  /// Moves from the block's record. Requires that there is space for it.
  core::Status append(store::SealedBlock& block);
  /// Publishes the open pack, if there is one.
  core::Status publish();

 private:
  const OpenRepository& repository_;
  IndexPublisher& index_;
  const format::BlockKind kind_;
  std::unique_ptr<store::PackWriter> open_;  ///< nullptr: none yet
  store::SegmentHasher segments_;            ///< of open_
};

/// Puts sealed blocks into packs. Thread-safe except for publish_all().
///
/// One thread packs, so that little data makes few packs. If the system cannot start it, the packer
/// has failed from the start, and says so when asked. Blocks that come in faster than it can write,
/// or while it waits for the disk, may take a second way: see put(). After the first error every
/// call returns that error.
///
/// Memory: kQueueBytes and, if there is enough to write, that of three PackLanes.
class Packer {
 public:
  /// Blocks waiting for the packing thread, as they will be stored: six that could not be
  /// compressed, two or three of text. More of them would only wait: see put().
  static constexpr std::size_t kQueueBytes = std::size_t{6} * 1024 * 1024;
  static_assert(BlockBuffers::kSealedBytes == kQueueBytes / 2);

  struct Options {
    bool is_dry_run = false;  ///< counts, writes nothing
    StageTimes* times = nullptr;
  };
  /// All must outlive it.
  Packer(const OpenRepository& repository, const Options& options, IndexPublisher& index,
         BlockBuffers& buffers, ProgressMeter& meter);
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  /// Passes a block to the packing thread: one sealed by a BlockSealer (in a dry run its bytes may
  /// be anything of that length), or one of another pack that the caller has checked. While the
  /// queue is full, one caller at a time writes its block itself, into a second pack; all others
  /// wait. With a size limit there is no second pack, since the account knows one of each kind. The
  /// block's memory goes to the buffers.
  core::Status put(store::SealedBlock block);

  /// Waits until every block put so far is in a published pack, and every pack in a published index
  /// segment. Nothing may be put meanwhile.
  core::Status publish_all();

  /// The error that ended it, if one did.
  [[nodiscard]] core::Status check() const;
  /// Ends it with this error, unless it has ended already.
  void end_with(core::Error error);

  /// What was put, as data and as metadata.
  [[nodiscard]] std::array<AddedBytes, 2> totals() const;

 private:
  /// nullopt: no block; publish what there is.
  using Work = std::optional<store::SealedBlock>;

  core::Status run();
  core::Status hand_over(Work work);
  core::Status pack(PackLane& lane, store::SealedBlock block);
  core::Status write(PackLane& lane, store::SealedBlock& block);
  void count(const store::SealedBlock& block);
  core::Status publish_lanes();

  const Options options_;
  const bool may_pack_beside_;
  IndexPublisher& index_;
  BlockBuffers& buffers_;
  ProgressMeter& meter_;
  core::BoundedQueue<Work> queue_;

  mutable std::mutex mutex_;  ///< protects what follows, up to totals_
  std::condition_variable all_published_changed_;
  bool all_published_ = false;
  std::optional<core::Error> error_;
  std::array<AddedBytes, 2> totals_;

  std::array<PackLane, 2> lanes_;  ///< used by the packing thread, for data and metadata
  std::mutex beside_mutex_;        ///< protects beside_
  PackLane beside_;                ///< for data, used by callers that find the queue full

  core::GuardedThread thread_;
};

}  // namespace cairn::repo::ops
