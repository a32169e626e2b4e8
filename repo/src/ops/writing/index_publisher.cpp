#include "ops/writing/index_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/objects/records.h"

namespace cairn::repo::ops {

core::Status IndexPublisher::add(format::IndexedPack pack) {
  {
    const std::scoped_lock lock(totals_mutex_);
    totals_.packs[pack.directory.kind == format::BlockKind::data ? 0 : 1] += 1;
    totals_.pack_bytes += pack.size_bytes;
  }
  const std::scoped_lock lock(mutex_);
  room_.pack_published(pack.directory.kind, pack.size_bytes);
  unlisted_bytes_ += pack.size_bytes;
  for (const auto& block : pack.directory.blocks) {
    unlisted_chunks_ += block.chunks.size();
  }
  unlisted_.push_back(std::move(pack));
  return unlisted_bytes_ >= kListedBytes || unlisted_chunks_ >= kListedChunks ? publish_now()
                                                                              : core::Status();
}

core::Status IndexPublisher::publish() {
  const std::scoped_lock lock(mutex_);
  return publish_now();
}

core::Status IndexPublisher::publish_now() {
  if (unlisted_.empty()) {
    return {};
  }
  format::IndexSegment segment;
  segment.packs = std::exchange(unlisted_, {});
  unlisted_bytes_ = 0;
  unlisted_chunks_ = 0;
  std::ranges::sort(segment.packs, {}, &format::IndexedPack::id);

  std::uint64_t written = 0;
  CAIRN_TRY(const IndexSegmentId id,
            store::put_index_segment(*view_.repository.backend, *view_.repository.keys,
                                     view_.repository.environment.random, segment, written));
  room_.segment_published(written);
  CAIRN_TRY_STATUS(view_.catalogue().ingest(id, segment));
  for (const auto& pack : segment.packs) {
    CAIRN_TRY(const auto number, view_.catalogue().find_pack(pack.id));
    if (number) {
      view_.usable_packs.add_own(*number);
    }
  }
  claims_.release(segment);
  meter_.detail(fmt::format("index segment {} lists {} {}", id.short_hex(), segment.packs.size(),
                            segment.packs.size() == 1 ? "pack" : "packs"));
  const std::scoped_lock lock(totals_mutex_);
  totals_.segment_bytes += written;
  return {};
}

bool IndexPublisher::take_room(const StorageRoom::Block& block) {
  if (!is_limited()) {
    return true;
  }
  const std::scoped_lock lock(mutex_);
  const bool fits = room_.fits(block);
  if (fits) {
    room_.take(block);
  }
  return fits;
}

core::Error IndexPublisher::no_room() const {
  const std::scoped_lock lock(mutex_);
  return room_.no_room();
}

core::Status IndexPublisher::check_room_for(const Snapshot& snapshot) const {
  const std::scoped_lock lock(mutex_);
  return room_.check_snapshot(snapshot);
}

IndexPublisher::Totals IndexPublisher::totals() const {
  const std::scoped_lock lock(totals_mutex_);
  return totals_;
}

}  // namespace cairn::repo::ops
