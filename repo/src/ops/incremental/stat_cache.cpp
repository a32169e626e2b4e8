#include "ops/incremental/stat_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/gsl>
#include <utility>

#include "cairn/core/codec.h"
#include "format/node.h"

namespace cairn::repo::ops {

namespace {

constexpr std::uint8_t kRecordVersion = 2;
constexpr std::size_t kSubfolderBytesMin = 2 + ChunkId::kSize;
constexpr std::size_t kPieceBytesMin = sizeof(std::uint64_t) + 4;
constexpr std::string_view kUnsettledPrefix = "stat/unsettled/";
constexpr std::string_view kAnchorPrefix = "stat/anchor/";

/// Keys of a folder's record and pieces: its key alone, or followed by the piece's slot and number.
core::Bytes record_key(const FolderKey& key) { return core::to_bytes(key.view()); }

core::Bytes piece_key(const FolderKey& key, std::uint8_t slot, std::uint32_t number) {
  core::Encoder out(record_key(key));
  out.u8(slot);
  out.u32(number);
  return std::move(out).take();
}

std::string unsettled_note(std::uint64_t interval) {
  return fmt::format("{}{:016x}", kUnsettledPrefix, interval);
}

std::string anchor_note(std::string_view source) {
  return fmt::format("{}{}", kAnchorPrefix, core::hash256(core::as_view(source)).hex());
}

void encode_counts(core::Encoder& out, const TreeCounts& counts) {
  for (const std::uint64_t count :
       {counts.files, counts.folders, counts.symlinks, counts.others, counts.bytes}) {
    out.varint(count);
  }
}

TreeCounts decode_counts(core::Decoder& in) {
  TreeCounts counts;
  for (std::uint64_t* const count :
       {&counts.files, &counts.folders, &counts.symlinks, &counts.others, &counts.bytes}) {
    *count = in.varint();
  }
  return counts;
}

template <class IdType>
IdType read_id(core::Decoder& in) {
  const core::ByteView bytes = in.raw(IdType::kSize);
  return bytes.empty() ? IdType() : IdType::from(bytes);
}

}  // namespace

core::Bytes encode_folder_record(const FolderRecord& folder) {
  core::Encoder out;
  out.u8(kRecordVersion);
  out.u64(folder.serial);
  out.u64(folder.interval);
  out.varint(folder.dead_packs);
  encode_counts(out, folder.own);
  out.u8(folder.content ? 1 : 0);
  if (folder.content) {
    out.raw(folder.content->node.view());
    out.varint(folder.content->entries_below);
    out.varint(folder.content->bytes_below);
  }
  out.varint(folder.stamps.size());
  for (const Stamp stamp : folder.stamps) {
    out.u64(stamp);
  }
  out.varint(folder.subfolders.size());
  for (const RecordedSubfolder& subfolder : folder.subfolders) {
    out.varint(subfolder.index);
    out.bytes(subfolder.name);
    out.raw(subfolder.node.view());
  }
  out.u8(folder.slot);
  out.varint(folder.pieces.size());
  for (const RecordPiece& piece : folder.pieces) {
    out.u64(piece.serial);
    out.u8(piece.slot);
    out.varint(piece.number);
    out.varint(piece.skipped);
    out.varint(piece.count);
  }
  return std::move(out).take();
}

core::Result<FolderRecord> decode_folder_record(core::ByteView input) {
  core::Decoder in(input, "stat cache record");
  FolderRecord folder;
  in.expect_u8(kRecordVersion, "version");
  folder.serial = in.u64();
  folder.interval = in.u64();
  folder.dead_packs = in.varint();
  folder.own = decode_counts(in);
  const std::uint8_t complete = in.u8();
  if (complete > 1) {
    in.fail_corrupt("unknown state of a folder");
  }
  if (complete == 1) {
    folder.content.emplace();
    folder.content->node = read_id<ChunkId>(in);
    folder.content->entries_below = in.varint();
    folder.content->bytes_below = in.varint();
  }
  folder.stamps.resize(in.count(kRecordedChildrenMax, sizeof(Stamp)));
  for (Stamp& stamp : folder.stamps) {
    stamp = in.u64();
  }
  folder.subfolders.resize(in.count(folder.stamps.size(), kSubfolderBytesMin));
  std::uint64_t index_min = 0;
  for (RecordedSubfolder& subfolder : folder.subfolders) {
    subfolder.index = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
    subfolder.name = in.text(kNameBytesMax);
    subfolder.node = read_id<ChunkId>(in);
    if (subfolder.index < index_min || subfolder.index >= folder.stamps.size()) {
      in.fail_corrupt("a subfolder's index is impossible");
    }
    index_min = std::uint64_t{subfolder.index} + 1;
  }
  folder.slot = in.u8();
  folder.pieces.resize(in.count(folder.stamps.size(), kPieceBytesMin));
  std::uint64_t entries = 0;
  for (RecordPiece& piece : folder.pieces) {
    piece.serial = in.u64();
    piece.slot = in.u8();
    piece.number = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
    piece.skipped = static_cast<std::uint32_t>(in.varint(format::kNodeItemsMax));
    piece.count = static_cast<std::uint32_t>(in.varint(format::kNodeItemsMax));
    entries += piece.count;
  }
  if (entries != folder.stamps.size()) {
    in.fail_corrupt("its pieces do not hold its children");
  }
  CAIRN_TRY_STATUS(in.finish());
  return folder;
}

FolderKey folder_key(std::string_view path) { return core::hash256(core::as_view(path)); }

FolderKey lone_source_key(std::string_view path) {
  // No path contains a NUL, so this is no folder's key.
  return core::hash256(core::as_view(std::string(path) + '\0'));
}

const RecordedSubfolder* RecalledFolder::subfolder(std::uint32_t index) const noexcept {
  const auto found =
      std::ranges::lower_bound(record.subfolders, index, {}, &RecordedSubfolder::index);
  return found != record.subfolders.end() && found->index == index ? &*found : nullptr;
}

core::Result<std::unique_ptr<StatCache>> StatCache::open(WriteView view, const Options& options) {
  std::unique_ptr<StatCache> cache(new StatCache(view, options));
  CAIRN_TRY(cache->dead_packs_, view.catalogue().dead_packs());
  return cache;
}

core::Result<bool> StatCache::is_settled(std::uint64_t interval) const {
  const std::scoped_lock lock(mutex_);
  if (settled_.contains(interval)) {
    return true;
  }
  // Its note was written before its first record, which we have seen. Another process may settle it
  // later, so only a positive answer is remembered.
  CAIRN_TRY(const auto note, view_.catalogue().note(unsettled_note(interval)));
  if (note) {
    return false;
  }
  // It may have been settled a moment ago, by a process whose packs we did not see in W2 of
  // docs/design/0009-collection.md: those may be condemned, or gone.
  CAIRN_TRY(const store::PackNumber next, view_.catalogue().next_pack());
  if (!view_.usable_packs.knows_all_below(next)) {
    return false;
  }
  settled_.insert(interval);
  return true;
}

core::Result<std::shared_ptr<const RecalledFolder>> StatCache::recall(
    const FolderKey& key, const std::optional<ChunkId>& vouched) const {
  CAIRN_TRY(auto found, options_.recall ? stored(key) : std::optional<FolderRecord>());
  if (!found) {
    return nullptr;
  }
  auto folder = std::make_shared<RecalledFolder>();
  folder->key = key;
  folder->record = *std::move(found);
  const FolderRecord& record = folder->record;
  CAIRN_TRY(const bool settled, is_settled(record.interval));
  const bool nothing_gone = settled && record.dead_packs == dead_packs_;
  const bool is_vouched_for = vouched && record.content && record.content->node == *vouched;
  folder->trusted = !view_.usable_packs.avoids_any() && (nothing_gone || is_vouched_for);
  return folder;
}

/// nullopt also if it is damaged: the folder is then read and recorded again.
core::Result<std::optional<FolderRecord>> StatCache::stored(const FolderKey& key) const {
  CAIRN_TRY(const auto value, view_.catalogue().stat_record(record_key(key)));
  if (!value) {
    return std::nullopt;
  }
  auto record = decode_folder_record(*value);
  return record ? std::optional(*std::move(record)) : std::nullopt;
}

core::Error StatCache::unreadable(const FolderKey& key, std::string_view why) const {
  const std::scoped_lock lock(mutex_);
  unreadable_.push_back(key);
  return {core::ErrorCode::changed, std::string(why)};
}

core::Result<std::vector<Entry>> StatCache::piece(const RecalledFolder& folder,
                                                  std::size_t index) const {
  Expects(index < folder.record.pieces.size());
  const RecordPiece& piece = folder.record.pieces[index];
  CAIRN_TRY(const auto value,
            view_.catalogue().stat_record(piece_key(folder.key, piece.slot, piece.number)));
  core::Decoder in(value ? core::ByteView(*value) : core::ByteView(), "stat cache piece");
  if (!value || in.u64() != piece.serial) {
    return core::fail(
        unreadable(folder.key, "another backup has recorded the same folder in the stat cache"));
  }
  auto leaf = format::decode_folder_leaf(in.rest());
  const std::size_t end = std::size_t{piece.skipped} + piece.count;
  if (!leaf || leaf->entries.size() < end) {
    return core::fail(unreadable(folder.key, "the stat cache's record of a folder is damaged"));
  }
  // It may have grown after the folder's progress was recorded.
  leaf->entries.resize(end);
  leaf->entries.erase(leaf->entries.begin(), leaf->entries.begin() + piece.skipped);
  return std::move(leaf->entries);
}

core::Result<bool> StatCache::is_stored(const Content& content) const {
  if (content.tree_root) {
    return false;
  }
  for (const ContentItem& item : content.items) {
    if (!item.chunk) {
      continue;
    }
    CAIRN_TRY(const auto location,
              view_.catalogue().find(*item.chunk, view_.usable_packs.filter()));
    if (!location) {
      return false;
    }
  }
  return true;
}

FolderRecord StatCache::start_record(const FolderRecord* before) {
  FolderRecord record;
  record.serial = view_.repository.environment.random.number();
  record.dead_packs = dead_packs_;
  const auto is_used = [before](std::uint8_t slot) {
    return std::ranges::find(before->pieces, slot, &RecordPiece::slot) != before->pieces.end();
  };
  // More than two are in use only after runs that were killed inside the folder.
  while (before != nullptr && record.slot < UINT8_MAX && is_used(record.slot)) {
    record.slot += 1;
  }
  return record;
}

core::Status StatCache::put_piece(const FolderKey& key, FolderRecord& record,
                                  core::ByteView entries, std::size_t count) {
  core::Encoder out;
  out.u64(record.serial);
  out.raw(entries);
  const auto number = gsl::narrow_cast<std::uint32_t>(record.pieces.size());
  record.pieces.push_back({.serial = record.serial,
                           .slot = record.slot,
                           .number = number,
                           .skipped = 0,
                           .count = gsl::narrow_cast<std::uint32_t>(count)});
  return change(piece_key(key, record.slot, number), std::move(out).take());
}

core::Status StatCache::drop_replaced(const FolderKey& key, const FolderRecord& record) {
  using Place = std::pair<std::uint8_t, std::uint32_t>;
  std::vector<Place> kept;
  std::uint32_t own = 0;
  for (const RecordPiece& piece : record.pieces) {
    kept.emplace_back(piece.slot, piece.number);
    own += piece.slot == record.slot ? 1 : 0;
  }
  std::ranges::sort(kept);
  CAIRN_TRY(const auto before, stored(key));
  for (const RecordPiece& piece : before ? before->pieces : std::vector<RecordPiece>()) {
    if (!std::ranges::binary_search(kept, Place(piece.slot, piece.number))) {
      CAIRN_TRY_STATUS(change(piece_key(key, piece.slot, piece.number), std::nullopt));
    }
  }
  // Pieces that a killed recording left in this slot.
  for (std::uint32_t number = own;; ++number) {
    core::Bytes left = piece_key(key, record.slot, number);
    CAIRN_TRY(const auto value, view_.catalogue().stat_record(left));
    if (!value) {
      return {};
    }
    CAIRN_TRY_STATUS(change(std::move(left), std::nullopt));
  }
}

core::Status StatCache::put(const FolderKey& key, FolderRecord& record) {
  if (!options_.record) {
    return {};
  }
  if (!interval_) {
    const std::uint64_t interval = view_.repository.environment.random.number();
    CAIRN_TRY_STATUS(view_.catalogue().put_note(unsettled_note(interval), {}));
    interval_ = interval;
  }
  record.interval = *interval_;
  CAIRN_TRY_STATUS(drop_replaced(key, record));
  return change(record_key(key), encode_folder_record(record));
}

core::Status StatCache::drop_unreadable() {
  std::vector<FolderKey> keys;
  {
    const std::scoped_lock lock(mutex_);
    keys.swap(unreadable_);
  }
  for (const FolderKey& key : keys) {
    CAIRN_TRY(auto record, stored(key));
    RecalledFolder folder{.key = key, .record = record ? *std::move(record) : FolderRecord()};
    bool readable = true;
    for (std::size_t i = 0; readable && i < folder.record.pieces.size(); ++i) {
      const auto entries = piece(folder, i);
      readable = entries || entries.error().code() != core::ErrorCode::changed;
    }
    if (!readable) {
      for (const RecordPiece& lost : folder.record.pieces) {
        CAIRN_TRY_STATUS(change(piece_key(key, lost.slot, lost.number), std::nullopt));
      }
      CAIRN_TRY_STATUS(change(record_key(key), std::nullopt));
    }
  }
  return flush();
}

core::Status StatCache::forget(const std::string& path) {
  return options_.record ? forget_below(folder_key(path), path, 0) : core::Status();
}

core::Status StatCache::forget_below(const FolderKey& key, const std::string& path,
                                     unsigned depth) {
  CAIRN_TRY(const auto record, stored(key));
  if (!record || depth > kFolderDepthMax) {
    return {};
  }
  for (const RecordPiece& piece : record->pieces) {
    CAIRN_TRY_STATUS(change(piece_key(key, piece.slot, piece.number), std::nullopt));
  }
  CAIRN_TRY_STATUS(change(record_key(key), std::nullopt));
  for (const RecordedSubfolder& subfolder : record->subfolders) {
    const std::string below = fmt::format("{}/{}", path == "/" ? "" : path, subfolder.name);
    CAIRN_TRY_STATUS(forget_below(folder_key(below), below, depth + 1));
  }
  return {};
}

core::Status StatCache::change(core::Bytes key, std::optional<core::Bytes> value) {
  if (!options_.record) {
    return {};
  }
  changes_bytes_ += key.size() + (value ? value->size() : 0);
  changes_.push_back({std::move(key), std::move(value)});
  return changes_bytes_ >= kBufferBytes ? flush() : core::Status();
}

core::Status StatCache::flush() {
  if (changes_.empty()) {
    return {};
  }
  // The last change of a key counts; sorted by key, neighbours share a page.
  std::ranges::stable_sort(changes_, [](const auto& a, const auto& b) { return a.key < b.key; });
  CAIRN_TRY_STATUS(view_.catalogue().change_stat_records(changes_));
  changes_.clear();
  changes_bytes_ = 0;
  return {};
}

core::Status StatCache::settle() {
  CAIRN_TRY_STATUS(flush());
  if (interval_) {
    CAIRN_TRY_STATUS(view_.catalogue().remove_note(unsettled_note(*interval_)));
    interval_.reset();
  }
  return {};
}

core::Result<std::optional<ChunkId>> StatCache::anchor(std::string_view source) const {
  CAIRN_TRY(const auto note, view_.catalogue().note(anchor_note(source)));
  if (!note) {
    return std::nullopt;
  }
  core::Decoder in(*note, "stat cache anchor");
  const auto snapshot = read_id<SnapshotId>(in);
  const auto node = read_id<ChunkId>(in);
  CAIRN_TRY_STATUS(in.finish());
  const auto stands = [&](format::ObjectKind kind) {
    return view_.repository.backend->size(store::object_name(kind, snapshot));
  };
  // Condemned records have been read: a collector that comes after somebody forgets the snapshot
  // will wait for this session.
  CAIRN_TRY(const auto size, stands(format::ObjectKind::snapshot));
  CAIRN_TRY(const auto tombstone, stands(format::ObjectKind::forgotten));
  return size && !tombstone ? std::optional(node) : std::nullopt;
}

core::Status StatCache::set_anchor(std::string_view source, const SnapshotId& snapshot,
                                   const ChunkId& node) {
  if (!options_.record) {
    return {};
  }
  core::Encoder out;
  out.raw(snapshot.view());
  out.raw(node.view());
  return view_.catalogue().put_note(anchor_note(source), out.view());
}

core::Result<const Entry*> RecordEntries::at(std::size_t index) {
  const std::vector<RecordPiece>& pieces = folder_->record.pieces;
  Expects(index < folder_->size());
  if (index < first_) {
    piece_ = 0;
    first_ = 0;
    loaded_ = false;
  }
  while (index >= first_ + pieces[piece_].count) {
    first_ += pieces[piece_].count;
    ++piece_;
    loaded_ = false;
  }
  if (!loaded_) {
    CAIRN_TRY(entries_, cache_->piece(*folder_, piece_));
    loaded_ = true;
  }
  return &entries_[index - first_];
}

}  // namespace cairn::repo::ops
