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

/// Blocks of one kind into one pack after the other: full ones are published and handed to the
/// index. Not thread-safe. Memory: that of PackWriter and SegmentHasher.
class PackLane {
 public:
  PackLane(const OpenRepository& repository, IndexPublisher& index, format::BlockKind kind);

  /// Publishes the open pack if the format leaves no room in it for a block like this.
  core::Status make_room_for(const format::BlockRecord& record);
  /// Takes the block's record. Requires that there is room for it.
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

/// Puts sealed blocks into packs. Thread-safe but for finish().
///
/// One thread packs, so that little data makes few packs; if the system has no room for it, the
/// packer has failed from the start, and says so when it is asked. What comes in faster than it can
/// write, or while it waits for the disk, goes the second way: see put(). After the first error
/// every call answers that.
///
/// Memory: kQueueBytes, and that of three PackLanes, if there is so much to write.
class Packer {
 public:
  /// Blocks on their way to the packing thread, as they will be stored: six that could not be
  /// compressed, two or three of text. More of them would only wait: see put().
  static constexpr std::size_t kQueueBytes = std::size_t{6} * 1024 * 1024;
  static_assert(BlockBuffers::kSealedBytes == kQueueBytes / 2);

  struct Options {
    bool is_dry_run = false;       ///< counts, writes nothing
    bool may_pack_beside = false;  ///< else all blocks go through the packing thread
    StageTimes& times;
  };
  /// All must outlive it.
  Packer(const OpenRepository& repository, const Options& options, IndexPublisher& index,
         BlockBuffers& buffers, ProgressMeter& meter);
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  /// Hands a block to the packing thread: one that a BlockSealer has sealed (in a dry run its bytes
  /// may be anything of that length), or one of another pack that the caller has checked. While
  /// that thread is behind, the first who comes writes the block itself, into a pack beside that
  /// thread's; all others wait. Its memory goes to the buffers.
  core::Status put(store::SealedBlock block);

  /// Waits until every block put so far lies in a published pack, and every pack in a published
  /// index segment. Nothing must be put meanwhile.
  core::Status settle();
  /// The same, and ends the packing thread. Call once, after the last put().
  core::Status finish();

  /// The error that ended it, if one did.
  [[nodiscard]] core::Status check() const;
  /// Ends it, unless it has ended already.
  void end_with(core::Error error);

  /// What was put, of data and of metadata.
  [[nodiscard]] std::array<AddedBytes, 2> totals() const;

 private:
  /// nullopt: no block, publish what there is.
  using Work = std::optional<store::SealedBlock>;

  core::Status run();
  core::Status hand_over(Work work);
  core::Status pack(PackLane& lane, store::SealedBlock block);
  core::Status write(PackLane& lane, store::SealedBlock& block);
  void count(const store::SealedBlock& block);
  core::Status publish_all();

  const Options options_;
  IndexPublisher& index_;
  BlockBuffers& buffers_;
  ProgressMeter& meter_;
  core::BoundedQueue<Work> queue_;

  mutable std::mutex mutex_;  ///< what follows, up to totals_
  std::condition_variable settled_changed_;
  bool settled_ = false;
  std::optional<core::Error> error_;
  std::array<AddedBytes, 2> totals_;

  std::array<PackLane, 2> lanes_;  ///< the packing thread's own, of data and of metadata
  std::mutex beside_mutex_;        ///< beside_
  PackLane beside_;                ///< of data, for whoever finds the queue full

  core::GuardedThread thread_;
};

}  // namespace cairn::repo::ops
