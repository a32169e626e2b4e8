#include "ops/writing/chunk_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

// A full pack has some 6,000 chunks of 16 KiB; of tiny files it would have a million, and its
// directory, held in memory until the pack is full, 40 bytes for each.
constexpr std::uint64_t kPackChunks = 16 * 1024;

// What an interrupted session may lose, and what it holds in memory until then (some 120 bytes a
// chunk): 48 Ki chunks are 768 MiB at 16 KiB each.
constexpr std::uint64_t kCheckpointBytes = 1024ULL * 1024 * 1024;
constexpr std::uint64_t kCheckpointChunks = 48 * 1024;

constexpr std::size_t kDryRunIdsMax = 1024 * 1024;

// Blocks on their way to the packing thread, as they will be stored: six that could not be
// compressed, two or three of text. More of them would only wait: see put().
constexpr std::size_t kQueueBytes = std::size_t{6} * 1024 * 1024;
// Half of what the queue holds when it is full: what is in the queue has no memory to spare.
constexpr std::size_t kSpareBytes = kQueueBytes / 2;

std::size_t index_of(format::BlockKind kind) noexcept {
  return kind == format::BlockKind::data ? 0 : 1;
}

}  // namespace

ChunkStore::ChunkStore(State& state, const ChunkStoreOptions& options, ProgressMeter& meter)
    : state_(state),
      options_(options),
      meter_(meter),
      usable_(state.usable_packs->filter()),
      queue_(kQueueBytes),
      room_(options.limit) {
  auto thread = core::GuardedThread::start(
      state.environment.threads,
      {.action = "writing packs",
       .work = [this] { return run(); },
       .on_error = [this](const core::Error& error) { break_with(error); }});
  if (thread) {
    thread_ = *std::move(thread);
  } else {
    break_with(std::move(thread).error());
  }
}

ChunkStore::~ChunkStore() { queue_.cancel(); }

ChunkStore::Shard& ChunkStore::shard(const ChunkId& id) noexcept {
  return shards_[std::to_integer<std::size_t>(id.view()[31]) % kShards];
}

core::Result<bool> ChunkStore::claim(const ChunkId& id) {
  if (options_.only != nullptr && !options_.only->contains(id)) {
    return false;
  }
  Shard& mine = shard(id);
  {
    const std::scoped_lock lock(mine.mutex);
    if (mine.ids.contains(id)) {
      return false;
    }
  }
  // The catalogue is asked without the lock. A checkpoint moves ids into the catalogue before it
  // takes them out of the shard, so a chunk stored in between is found here.
  auto found = state_.catalogue->find(id, usable_);
  if (!found) {
    break_with(found.error());  // not this file's fault: the end of the whole backup
    return core::fail(std::move(found).error());
  }
  if (*found) {
    return false;
  }
  const std::scoped_lock lock(mine.mutex);
  if (options_.dry_run && mine.ids.size() >= kDryRunIdsMax / kShards) {
    mine.ids.clear();  // no checkpoint ever empties it; a dry run may count a chunk twice instead
  }
  return mine.ids.insert(id).second;
}

core::Bytes ChunkStore::take_spare() {
  const std::scoped_lock lock(mutex_);
  if (spare_.empty()) {
    return {};
  }
  core::Bytes memory = std::move(spare_.back());
  spare_.pop_back();
  spare_bytes_ -= memory.capacity();
  return memory;
}

core::Status ChunkStore::put(store::SealedBlock block) {
  CAIRN_TRY_STATUS(check());
  if (may_go_beside(block)) {
    const std::size_t bytes = block.bytes.size();
    Work work(std::move(block));
    if (queue_.try_push(work, bytes)) {
      return {};
    }
    block = *std::move(work);
    if (const std::unique_lock lock(beside_mutex_, std::try_to_lock); lock) {
      return pack_beside(std::move(block));
    }
  }
  return hand_over(std::move(block));
}

// Nodes stay together. With a size limit blocks go one way, since the books know one pack of each
// kind.
bool ChunkStore::may_go_beside(const store::SealedBlock& block) const noexcept {
  return block.kind == format::BlockKind::data && !options_.dry_run &&
         options_.limit.max_bytes == 0;
}

core::Status ChunkStore::pack_beside(store::SealedBlock block) {
  const StageTimes::Span span(options_.times, Stage::pack, block.bytes.size());
  count(block);
  // A pack that an exception left half changed must not be published.
  core::Status written = core::guarded("writing packs", [&]() -> core::Status {
    CAIRN_TRY_STATUS(make_room(beside_, block.record));
    return append(beside_, block);
  });
  if (!written) {
    break_with(written.error());
    return written;
  }
  keep_memory(std::move(block.bytes));
  return {};
}

core::Status ChunkStore::hand_over(Work work) {
  const std::size_t bytes = work ? work->bytes.size() : 0;
  if (!queue_.push(std::move(work), bytes)) {
    CAIRN_TRY_STATUS(check());
    return core::fail(core::ErrorCode::internal, "the packing thread has ended");
  }
  return {};
}

core::Status ChunkStore::check() const {
  const std::scoped_lock lock(mutex_);
  if (broken_) {
    return core::fail(*broken_);
  }
  return {};
}

void ChunkStore::break_with(core::Error error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!broken_) {
      broken_ = std::move(error);
    }
  }
  settled_changed_.notify_all();
  queue_.cancel();
}

core::Status ChunkStore::run() {
  while (auto work = queue_.pop()) {
    CAIRN_TRY_STATUS(*work ? pack(**std::move(work)) : publish_and_tell());
  }
  return {};
}

core::Status ChunkStore::settle() {
  {
    const std::scoped_lock lock(mutex_);
    settled_ = false;
  }
  CAIRN_TRY_STATUS(hand_over(std::nullopt));
  {
    std::unique_lock lock(mutex_);
    settled_changed_.wait(lock, [this] { return settled_ || broken_; });
  }
  return check();
}

core::Status ChunkStore::publish_and_tell() {
  const StageTimes::Span span(options_.times, Stage::pack);
  CAIRN_TRY_STATUS(publish_all());
  const std::scoped_lock lock(mutex_);
  settled_ = true;
  settled_changed_.notify_all();
  return {};
}

core::Status ChunkStore::publish_all() {
  for (OpenPack& pack : open_) {
    CAIRN_TRY_STATUS(publish(pack));
  }
  {
    const std::scoped_lock lock(beside_mutex_);
    CAIRN_TRY_STATUS(publish(beside_));
  }
  const std::scoped_lock lock(publishing_);
  return checkpoint();
}

core::Status ChunkStore::pack(store::SealedBlock block) {
  const StageTimes::Span span(options_.times, Stage::pack, block.bytes.size());
  count(block);
  if (!options_.dry_run) {
    CAIRN_TRY_STATUS(write(block));
  }
  keep_memory(std::move(block.bytes));
  return {};
}

void ChunkStore::count(const store::SealedBlock& block) {
  const std::scoped_lock lock(mutex_);
  auto& added = block.kind == format::BlockKind::data ? totals_.data : totals_.metadata;
  added.chunks += block.record.chunks.size();
  added.plain_bytes += block.record.plain_bytes;
  added.stored_bytes += block.bytes.size();
  meter_.add_stored(block.bytes.size());
}

void ChunkStore::keep_memory(core::Bytes memory) {
  const std::scoped_lock lock(mutex_);
  if (spare_bytes_ + memory.capacity() <= kSpareBytes) {
    spare_bytes_ += memory.capacity();
    spare_.push_back(std::move(memory));
  }
}

core::Status ChunkStore::write(store::SealedBlock& block) {
  const StorageRoom::Block room{
      .kind = block.kind, .stored_bytes = block.bytes.size(), .chunks = block.record.chunks.size()};
  OpenPack& pack = open_[index_of(block.kind)];
  CAIRN_TRY_STATUS(make_room(pack, block.record));
  bool fits = false;
  {
    const std::scoped_lock lock(publishing_);
    fits = room_.fits(room);
    if (fits) {
      room_.take(room);
    }
  }
  if (!fits) {
    CAIRN_TRY_STATUS(publish_all());
    return core::fail(room_.no_room());
  }
  return append(pack, block);
}

core::Status ChunkStore::make_room(OpenPack& pack, const format::BlockRecord& record) {
  return pack.writer && !pack.writer->has_room_for(record) ? publish(pack) : core::Status();
}

core::Status ChunkStore::append(OpenPack& pack, store::SealedBlock& block) {
  if (!pack.writer) {
    CAIRN_TRY(pack.writer,
              store::PackWriter::open(*state_.backend, *state_.keys, state_.environment.random,
                                      block.kind, pack.segments));
  }
  CAIRN_TRY_STATUS(pack.writer->append(std::move(block.record), block.key, block.bytes));
  const bool is_full = pack.writer->size_bytes() >= store::full_pack_bytes(block.kind) ||
                       pack.writer->chunks() >= kPackChunks;
  return is_full ? publish(pack) : core::Status();
}

core::Status ChunkStore::publish(OpenPack& open) {
  if (!open.writer || open.writer->empty()) {
    return {};
  }
  CAIRN_TRY(format::IndexedPack pack, open.writer->publish());
  open.writer.reset();
  {
    const std::scoped_lock lock(mutex_);
    totals_.pack_bytes += pack.size_bytes;
    totals_.written_bytes += pack.size_bytes;
    (pack.directory.kind == format::BlockKind::data ? totals_.data_packs
                                                    : totals_.metadata_packs) += 1;
  }
  const std::scoped_lock lock(publishing_);
  room_.pack_published(pack.directory.kind, pack.size_bytes);
  published_bytes_ += pack.size_bytes;
  for (const auto& block : pack.directory.blocks) {
    published_chunks_ += block.chunks.size();
  }
  published_.push_back(std::move(pack));
  if (published_bytes_ >= kCheckpointBytes || published_chunks_ >= kCheckpointChunks) {
    return checkpoint();
  }
  return {};
}

core::Status ChunkStore::checkpoint() {
  if (published_.empty()) {
    return {};
  }
  format::IndexSegment segment;
  segment.packs = std::exchange(published_, {});
  published_bytes_ = 0;
  published_chunks_ = 0;
  std::ranges::sort(segment.packs, {}, &format::IndexedPack::id);

  std::uint64_t written = 0;
  CAIRN_TRY(const IndexSegmentId id,
            store::put_index_segment(*state_.backend, *state_.keys, state_.environment.random,
                                     segment, written));
  room_.segment_published(written);
  CAIRN_TRY_STATUS(state_.catalogue->ingest(id, segment));
  for (const auto& pack : segment.packs) {
    CAIRN_TRY(const auto number, state_.catalogue->find_pack(pack.id));
    if (number) {
      state_.usable_packs->add_own(*number);
    }
  }
  for (const auto& pack : segment.packs) {
    for (const auto& block : pack.directory.blocks) {
      for (const auto& chunk : block.chunks) {
        Shard& owner = shard(chunk.id);
        const std::scoped_lock lock(owner.mutex);
        owner.ids.erase(chunk.id);
      }
    }
  }
  meter_.detail(fmt::format("checkpoint: index segment {} lists {} {}", id.short_hex(),
                            segment.packs.size(), segment.packs.size() == 1 ? "pack" : "packs"));
  const std::scoped_lock lock(mutex_);
  totals_.written_bytes += written;
  return {};
}

core::Status ChunkStore::finish() {
  queue_.close();
  [[maybe_unused]] const core::Status ended = thread_.join();  // it has told
  CAIRN_TRY_STATUS(check());
  return publish_all();
}

core::Status ChunkStore::check_room_for(const Snapshot& snapshot) const {
  Expects(!thread_.is_joinable());
  return room_.check_snapshot(snapshot);
}

ChunkStore::Totals ChunkStore::totals() const {
  const std::scoped_lock lock(mutex_);
  return totals_;
}

}  // namespace cairn::repo::ops
