#include "ops/writing/storage_room.h"

#include <fmt/format.h>

#include "cairn/core/size_text.h"

#include "cairn/core/crypto.h"
#include "format/frame.h"
#include "format/register.h"
#include "ops/repository/standing_settings.h"

namespace cairn::repo::ops {
namespace {

// docs/FORMAT.md has the tables. Numbers of 32 bits take five bytes at most, those of 64 bits ten.
constexpr std::uint64_t kChunkEntryBytes = ChunkId::kSize + 5;
// Each block may bring a key of its own.
constexpr std::uint64_t kBlockEntryBytes = 5 * 5 + 1 + 68;
constexpr std::uint64_t kDirectoryBytes = 1 + 10 + 10;
constexpr std::uint64_t kIndexEntryBytes = PackId::kSize + 10;
constexpr std::uint64_t kPackFixedBytes =
    format::kPackHeaderBytes + core::kAeadTagBytes + format::kPackFooterFixedBytes;
constexpr std::uint64_t kSegmentFixedBytes = 256;  // frame, envelope and two counts
/// A block may complete a pack, and that pack an index segment; then, at the end, each of two open
/// packs may complete another one.
constexpr std::uint64_t kSegmentsAhead = 4;
/// What the register adds to each copy of the manifest: link, envelopes, padding, frame.
constexpr std::uint64_t kRegisterFixedBytes = 2048;

std::uint64_t segment_hash_bytes(std::uint64_t covered_bytes) noexcept {
  return (covered_bytes / format::kPackSegmentBytes + 1) * core::Hash256::kSize;
}

std::size_t number_of(format::BlockKind kind) noexcept {
  return kind == format::BlockKind::data ? 0 : 1;
}

}  // namespace

core::Result<StorageLimit> measure_storage(CatalogueView view, Observer& observer) {
  CAIRN_TRY(const StandingSettings standing, find_settings(view));
  standing.warn(observer);
  StorageLimit limit{.max_bytes = standing.settings.max_repo_bytes, .stored_bytes = 0};
  if (limit.max_bytes == 0) {
    return limit;
  }
  limit.stored_bytes = view.listed_bytes();
  for (std::size_t number = 1; number <= format::kObjectKindCount; ++number) {
    const auto kind = static_cast<format::ObjectKind>(number);
    if (kind == format::ObjectKind::pack || kind == format::ObjectKind::index) {
      continue;
    }
    CAIRN_TRY_STATUS(view.repository.backend->list(
        kind,
        [&limit](const store::ListedObject& object) { limit.stored_bytes += object.size_bytes; }));
  }
  return limit;
}

StorageRoom::OpenPack StorageRoom::with(const Block& block) const noexcept {
  OpenPack pack = open_[number_of(block.kind)];
  if (pack.bytes == 0) {
    pack.bytes = kPackFixedBytes + kDirectoryBytes + segment_hash_bytes(0);
    pack.listing_bytes = kIndexEntryBytes + kDirectoryBytes;
  }
  const std::uint64_t entry_bytes = kBlockEntryBytes + block.chunks * kChunkEntryBytes;
  pack.bytes +=
      block.stored_bytes + entry_bytes + segment_hash_bytes(block.stored_bytes + entry_bytes);
  pack.listing_bytes += entry_bytes;
  return pack;
}

bool StorageRoom::has_room_for(std::uint64_t bytes) const noexcept {
  const std::uint64_t used_bytes = limit_.stored_bytes + written_bytes_;
  return used_bytes <= limit_.max_bytes && bytes <= limit_.max_bytes - used_bytes;
}

bool StorageRoom::fits(const Block& block) const noexcept {
  if (!is_limited()) {
    return true;
  }
  const OpenPack grown = with(block);
  const OpenPack& other = open_[1 - number_of(block.kind)];
  return has_room_for(grown.bytes + grown.listing_bytes + other.bytes + other.listing_bytes +
                      unlisted_bytes_ + kSegmentsAhead * kSegmentFixedBytes + kSnapshotBytes);
}

void StorageRoom::take(const Block& block) noexcept { open_[number_of(block.kind)] = with(block); }

void StorageRoom::pack_published(format::BlockKind kind, std::uint64_t bytes) noexcept {
  OpenPack& pack = open_[number_of(kind)];
  written_bytes_ += bytes;
  unlisted_bytes_ += pack.listing_bytes;
  pack = {};
}

void StorageRoom::segment_published(std::uint64_t bytes) noexcept {
  written_bytes_ += bytes;
  unlisted_bytes_ = 0;
}

core::Status StorageRoom::check_snapshot(const Snapshot& snapshot) const {
  if (!is_limited()) {
    return {};
  }
  CAIRN_TRY(const core::Bytes manifest, format::encode_snapshot(snapshot));
  const std::uint64_t bytes = manifest.size() + kRegisterFixedBytes;
  if (!has_room_for(2 * bytes)) {
    return core::fail(no_room());
  }
  return {};
}

core::Error StorageRoom::no_room() const {
  return {core::ErrorCode::no_space,
          fmt::format("the repository has reached its size limit: it holds {}, and what comes "
                      "next would take it above {}",
                      core::format_size(limit_.stored_bytes + written_bytes_),
                      core::format_size(limit_.max_bytes)),
          "give space back with cairn forget --prune, or raise the limit with cairn config "
          "--max-repo-size; what has been stored is used by the next run"};
}

}  // namespace cairn::repo::ops
