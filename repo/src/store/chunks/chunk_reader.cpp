#include "store/chunks/chunk_reader.h"

#include <fmt/format.h>

#include <optional>

#include "store/backend/backend.h"

namespace cairn::repo::store {

namespace {

using core::ErrorCode;

std::uint64_t cache_key(const ChunkLocation& location) noexcept {
  return (static_cast<std::uint64_t>(location.pack) << 32) | location.block;
}

}  // namespace

core::Result<core::Bytes> ChunkReader::get(const ChunkId& id, format::BlockKind kind) {
  auto found = find(id, kind);
  if (found || found.error().code() != ErrorCode::not_found || !refresh_) {
    return found;
  }
  // A pack that has gone since the last refresh always justifies another. A chunk that is in no
  // pack is lost, and usually others are too: even a hundred thousand of them justify only one.
  CAIRN_TRY(const auto listed, catalogue_.find(id, present_));
  if (!listed && refreshed_in_vain_) {
    return found;
  }
  {
    const std::scoped_lock lock(refresh_mutex_);
    CAIRN_TRY_STATUS(refresh_());
  }
  found = find(id, kind);
  refreshed_in_vain_ = refreshed_in_vain_ || (!found && !listed);
  return found;
}

core::Result<core::Bytes> ChunkReader::find(const ChunkId& id, format::BlockKind kind) {
  CAIRN_TRY(const std::optional<ChunkLocation> location, catalogue_.find(id, present_));
  if (!location) {
    return core::fail(ErrorCode::not_found,
                      fmt::format("read chunk {}: no pack of the index has it", id.hex()));
  }
  const auto plain = block(*location);
  if (!plain) {
    return core::fail(
        core::Error(plain.error()).with_context(fmt::format("read chunk {}", id.hex())));
  }
  const core::ByteView whole(**plain);
  if (location->offset_bytes <= whole.size() &&
      location->length_bytes <= whole.size() - location->offset_bytes) {
    const core::ByteView chunk = whole.subspan(location->offset_bytes, location->length_bytes);
    if (keys_.chunk_id(kind, chunk) == id) {
      return core::to_bytes(chunk);
    }
  }
  CAIRN_TRY(const PackSummary pack, catalogue_.pack(location->pack));
  return core::fail(ErrorCode::corrupt,
                    fmt::format("read chunk {}: other bytes lie where the index says, in block {} "
                                "of {}",
                                id.hex(), location->block,
                                object_path(object_name(format::ObjectKind::pack, pack.id))));
}

core::Result<ChunkReader::SharedBlock> ChunkReader::block(const ChunkLocation& location) {
  const std::uint64_t key = cache_key(location);
  if (SharedBlock cached = find_cached(key)) {
    return cached;
  }
  CAIRN_TRY(const PackSummary pack, catalogue_.pack(location.pack));
  auto scratch = take_scratch();
  core::Bytes plain;
  core::Status read = blocks_.read(pack, location.block, *scratch, plain);
  give_back(std::move(scratch));
  CAIRN_TRY_STATUS(std::move(read));
  SharedBlock shared = std::make_shared<const core::Bytes>(std::move(plain));
  keep(key, shared);
  return shared;
}

ChunkReader::SharedBlock ChunkReader::find_cached(std::uint64_t key) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->plain;
}

void ChunkReader::keep(std::uint64_t key, const SharedBlock& plain) {
  const std::scoped_lock lock(mutex_);
  if (plain->size() > cache_bytes_max_ || by_key_.contains(key)) {
    return;
  }
  while (cached_bytes_ + plain->size() > cache_bytes_max_) {
    cached_bytes_ -= recent_.back().plain->size();
    by_key_.erase(recent_.back().key);
    recent_.pop_back();
  }
  recent_.push_front({.key = key, .plain = plain});
  by_key_.emplace(key, recent_.begin());
  cached_bytes_ += plain->size();
}

std::size_t ChunkReader::cached_bytes() const {
  const std::scoped_lock lock(mutex_);
  return cached_bytes_;
}

std::unique_ptr<BlockReader::Scratch> ChunkReader::take_scratch() {
  {
    const std::scoped_lock lock(mutex_);
    if (!scratch_.empty()) {
      auto scratch = std::move(scratch_.back());
      scratch_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<BlockReader::Scratch>();
}

void ChunkReader::give_back(std::unique_ptr<BlockReader::Scratch> scratch) {
  const std::scoped_lock lock(mutex_);
  if (scratch_.size() < kScratchKeptMax) {
    scratch_.push_back(std::move(scratch));
  }
}

}  // namespace cairn::repo::store
