#include "ops/writing/packer.h"

#include <gsl/assert>
#include <utility>

namespace cairn::repo::ops {

namespace {

// A full pack has about 6,000 chunks of 16 KiB. With tiny files it would have a million, and its
// directory, held in memory until the pack is full, takes 40 bytes for each.
constexpr std::uint64_t kPackChunks = 16 * 1024;

// There is little to hash in nodes: with one lane it takes 1 MiB instead of 8.
core::HashKernel segment_kernel(format::BlockKind kind) {
  return kind == format::BlockKind::data ? core::best_hash_kernel() : core::HashKernel::libsodium;
}

std::size_t index_of(format::BlockKind kind) noexcept {
  return kind == format::BlockKind::data ? 0 : 1;
}

}  // namespace

PackLane::PackLane(const OpenRepository& repository, IndexPublisher& index, format::BlockKind kind)
    : repository_(repository), index_(index), kind_(kind), segments_(segment_kernel(kind)) {}

core::Status PackLane::make_room_for(const format::BlockRecord& record) {
  return open_ && !open_->has_room_for(record) ? publish() : core::Status();
}

core::Status PackLane::append(store::SealedBlock& block) {
  if (!open_) {
    CAIRN_TRY(open_, store::PackWriter::open(*repository_.backend, *repository_.keys,
                                             repository_.environment.random, kind_, segments_));
  }
  CAIRN_TRY_STATUS(open_->append(std::move(block.record), block.key, block.bytes));
  const bool is_full =
      open_->size_bytes() >= store::full_pack_bytes(kind_) || open_->chunks() >= kPackChunks;
  return is_full ? publish() : core::Status();
}

core::Status PackLane::publish() {
  if (!open_ || open_->empty()) {
    return {};
  }
  CAIRN_TRY(format::IndexedPack pack, open_->publish());
  open_.reset();
  return index_.add(std::move(pack));
}

Packer::Packer(const OpenRepository& repository, const Options& options, IndexPublisher& index,
               BlockBuffers& buffers, ProgressMeter& meter)
    : options_(options),
      may_pack_beside_(!options.is_dry_run && !index.is_limited()),
      index_(index),
      buffers_(buffers),
      meter_(meter),
      queue_(kQueueBytes),
      lanes_{PackLane(repository, index, format::BlockKind::data),
             PackLane(repository, index, format::BlockKind::metadata)},
      beside_(repository, index, format::BlockKind::data) {
  auto thread = core::GuardedThread::start(
      repository.environment.threads, {.action = "writing packs",
                                       .work = [this] { return run(); },
                                       .on_error = [this](const core::Error& e) { end_with(e); }});
  if (thread) {
    thread_ = *std::move(thread);
  } else {
    end_with(std::move(thread).error());
  }
}

Packer::~Packer() { queue_.cancel(); }

core::Status Packer::put(store::SealedBlock block) {
  CAIRN_TRY_STATUS(check());
  // Nodes stay together.
  const bool may_go_beside = may_pack_beside_ && block.kind == format::BlockKind::data;
  const std::size_t bytes = block.bytes.size();
  Work work(std::move(block));
  if (!may_go_beside) {
    return hand_over(std::move(work));
  }
  if (queue_.try_push(work, bytes)) {
    return {};
  }
  const std::unique_lock lock(beside_mutex_, std::try_to_lock);
  if (!lock) {
    return hand_over(std::move(work));
  }
  // A pack that an exception left half changed must not be published.
  core::Status packed =
      core::guarded("writing packs", [&] { return pack(beside_, *std::move(work)); });
  if (!packed) {
    end_with(packed.error());
  }
  return packed;
}

core::Status Packer::hand_over(Work work) {
  const std::size_t bytes = work ? work->bytes.size() : 0;
  if (!queue_.push(std::move(work), bytes)) {
    CAIRN_TRY_STATUS(check());
    return core::fail(core::ErrorCode::internal, "the packing thread has ended");
  }
  return {};
}

core::Status Packer::check() const {
  const std::scoped_lock lock(mutex_);
  if (error_) {
    return core::fail(*error_);
  }
  return {};
}

void Packer::end_with(core::Error error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }
  all_published_changed_.notify_all();
  queue_.cancel();
}

core::Status Packer::run() {
  while (auto work = queue_.pop()) {
    if (*work) {
      PackLane& lane = lanes_[index_of((*work)->kind)];
      CAIRN_TRY_STATUS(pack(lane, **std::move(work)));
      continue;
    }
    CAIRN_TRY_STATUS(measure(options_.times, Stage::pack, 0, [this] { return publish_lanes(); }));
    const std::scoped_lock lock(mutex_);
    all_published_ = true;
    all_published_changed_.notify_all();
  }
  return {};
}

core::Status Packer::publish_all() {
  {
    const std::scoped_lock lock(mutex_);
    all_published_ = false;
  }
  CAIRN_TRY_STATUS(hand_over(std::nullopt));
  {
    std::unique_lock lock(mutex_);
    all_published_changed_.wait(lock, [this] { return all_published_ || error_; });
  }
  return check();
}

core::Status Packer::publish_lanes() {
  for (PackLane& lane : lanes_) {
    CAIRN_TRY_STATUS(lane.publish());
  }
  {
    const std::scoped_lock lock(beside_mutex_);
    CAIRN_TRY_STATUS(beside_.publish());
  }
  return index_.publish();
}

core::Status Packer::pack(PackLane& lane, store::SealedBlock block) {
  const StageTimes::Span span(options_.times, Stage::pack, block.bytes.size());
  count(block);
  if (!options_.is_dry_run) {
    CAIRN_TRY_STATUS(write(lane, block));
  }
  buffers_.give_back(std::move(block.bytes));
  return {};
}

void Packer::count(const store::SealedBlock& block) {
  meter_.add_stored(block.bytes.size());
  const std::scoped_lock lock(mutex_);
  AddedBytes& added = totals_[index_of(block.kind)];
  added.chunks += block.record.chunks.size();
  added.plain_bytes += block.record.plain_bytes;
  added.stored_bytes += block.bytes.size();
}

core::Status Packer::write(PackLane& lane, store::SealedBlock& block) {
  CAIRN_TRY_STATUS(lane.make_room_for(block.record));
  if (!index_.take_room({.kind = block.kind,
                         .stored_bytes = block.bytes.size(),
                         .chunks = block.record.chunks.size()})) {
    Expects(&lane != &beside_);  // no other thread may publish the packing thread's lanes
    CAIRN_TRY_STATUS(publish_lanes());
    return core::fail(index_.no_room());
  }
  return lane.append(block);
}

std::array<AddedBytes, 2> Packer::totals() const {
  const std::scoped_lock lock(mutex_);
  return totals_;
}

}  // namespace cairn::repo::ops
