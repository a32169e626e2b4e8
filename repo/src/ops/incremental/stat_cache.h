#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/write_view.h"
#include "store/catalogue/catalogue.h"

/// The stat cache: what the last backup saw of each folder, so that the next one need not look at
/// what has not changed. It is in the catalogue, on the client's own disk, because what it holds
/// (inode numbers, change times) is no part of the data, and because a client with the role
/// `backup` could not read it from the repository. docs/design/0006-stat-cache.md.
///
/// Words of this room, one for each thing:
///   record    what a backup wrote down about one folder (FolderRecord): a stamp for each child;
///             the children's entries are stored separately in pieces
///   recorded  part of a record: a recorded entry, the index of a recorded child
///   stamp     a short hash over all that the system says about an object
///   recalled  a record that was read again, and whether it is to be trusted (RecalledFolder)
///   known     an object whose name is in a record, whether or not it is the same object
///   settled   everything recorded until then refers to durable objects
///   vouched   a trusted record or snapshot names the folder's node
///   anchor    the snapshot that vouches for a source's root
///   fate      what is to be done with an object of the source: Fate, in ops/source/source.h
namespace cairn::repo::ops {

/// A short hash over all that the system says about an object: equal stamps, equal object.
using Stamp = std::uint64_t;
inline constexpr Stamp kNoStamp = 0;  ///< equals nothing: the object is always looked at again

/// What is ignored when objects are compared with what the last backup saw.
struct StampIgnores {
  bool ctime = false;
  bool inode = false;
};

struct RecordedSubfolder {
  std::uint32_t index = 0;  ///< of the child
  std::string name;
  ChunkId node;

  friend bool operator==(const RecordedSubfolder&, const RecordedSubfolder&) = default;
};

/// Where some of a folder's entries are stored.
struct RecordPiece {
  std::uint64_t serial = 0;   ///< of the recording that wrote it
  std::uint8_t slot = 0;      ///< of that recording: identifies the piece together with `number`
  std::uint32_t number = 0;   ///< of the piece in its recording
  std::uint32_t skipped = 0;  ///< entries at its beginning that do not belong to this record
  std::uint32_t count = 0;    ///< the entries after them that do

  friend bool operator==(const RecordPiece&, const RecordPiece&) = default;
};

/// What a backup recorded about one folder, without its entries, which are stored in pieces.
///
/// If a recording ended before the end of the folder, its record holds the children up to there,
/// and after them the rest of the previous record, whose pieces stay in place.
struct FolderRecord {
  std::vector<Stamp> stamps;  ///< one per child, in the order of names
  std::vector<RecordedSubfolder> subfolders;
  std::vector<RecordPiece> pieces;
  TreeCounts own;                        ///< the children alone; their number is stamps.size()
  std::optional<FolderContent> content;  ///< nullopt: the backup ended before the folder did
  std::uint64_t serial = 0;              ///< of this recording; its pieces carry it
  std::uint8_t slot = 0;                 ///< no piece of the previous record is in this one
  std::uint64_t interval = 0;            ///< of the backup in which it was recorded
  /// The catalogue's count when this was recorded, or kNotVouchedFor.
  std::uint64_t dead_packs = 0;

  friend bool operator==(const FolderRecord&, const FolderRecord&) = default;
};
inline constexpr std::size_t kRecordedChildrenMax = 100'000'000;
/// `dead_packs` of a record with children from one that was not trusted.
inline constexpr std::uint64_t kNotVouchedFor = UINT64_MAX;

[[nodiscard]] core::Bytes encode_folder_record(const FolderRecord& folder);
/// Errors: corrupt.
[[nodiscard]] core::Result<FolderRecord> decode_folder_record(core::ByteView input);

/// Identifies a folder's records: a hash of its absolute path.
using FolderKey = core::Hash256;
[[nodiscard]] FolderKey folder_key(std::string_view path);
/// Where a source that is no folder is recorded: as the only child of an artificial folder.
[[nodiscard]] FolderKey lone_source_key(std::string_view path);
inline constexpr std::string_view kLoneSourceName = "source";  ///< of that child

/// A record that was read.
struct RecalledFolder {
  FolderKey key;
  FolderRecord record;
  /// Everything that the record refers to is in the repository, at any depth. Otherwise each file's
  /// chunks have to be looked up, and nodes must not be reused.
  bool trusted = false;

  [[nodiscard]] std::size_t size() const noexcept { return record.stamps.size(); }
  /// nullptr: the child is no folder.
  [[nodiscard]] const RecordedSubfolder* subfolder(std::uint32_t index) const noexcept;
};

/// When is a record trusted? Its nodes and chunks were durable when its interval was settled; since
/// then only a collection can have removed some. So either no pack has died since, or an existing
/// snapshot refers to the folder's node: the anchor vouches for the root, a trusted folder for its
/// subfolders. And no pack may be missing or condemned.
///
/// Thread-safe except for recording: only one thread at a time may do that. Memory: kBufferBytes of
/// changes not yet written.
class StatCache {
 public:
  struct Options {
    bool record = true;  ///< false: nothing is written
    bool recall = true;  ///< false: nothing is known of any folder
  };
  /// The session must outlive the cache.
  [[nodiscard]] static core::Result<std::unique_ptr<StatCache>> open(WriteView view,
                                                                     const Options& options);

  /// nullptr if there is no usable record. `vouched`: the node that a trusted record or snapshot
  /// names.
  [[nodiscard]] core::Result<std::shared_ptr<const RecalledFolder>> recall(
      const FolderKey& key, const std::optional<ChunkId>& vouched) const;
  /// The entries of one piece of a record. Error `changed`: another backup has recorded the folder
  /// meanwhile, or the piece is damaged: call drop_unreadable() and begin again.
  [[nodiscard]] core::Result<std::vector<Entry>> piece(const RecalledFolder& folder,
                                                       std::size_t index) const;
  /// True if the repository certainly has all of a content. Never true for a long list, whose nodes
  /// this client may be unable to read.
  [[nodiscard]] core::Result<bool> is_stored(const Content& content) const;

  // --- recording ---

  /// A new record of a folder that replaces `before`: first its pieces are put, then the record
  /// itself. Until then the pieces of `before` stay. `entries` is an encoded folder leaf.
  [[nodiscard]] FolderRecord start_record(const FolderRecord* before = nullptr);
  core::Status put_piece(const FolderKey& key, FolderRecord& record, core::ByteView entries,
                         std::size_t count);
  /// Sets the record's interval. Removes pieces of the stored record that this one does not refer
  /// to.
  core::Status put(const FolderKey& key, FolderRecord& record);
  /// Removes the records of a folder that is gone, and of all folders below it.
  core::Status forget(const std::string& path);
  /// Removes the records with a piece that could not be read and still cannot.
  core::Status drop_unreadable();
  /// Writes what is buffered.
  core::Status flush();
  /// Everything recorded so far refers to durable objects: it may be trusted from now on.
  core::Status settle();

  // --- anchors ---

  /// The node of a source's root folder, if the snapshot that was noted with it still exists.
  [[nodiscard]] core::Result<std::optional<ChunkId>> anchor(std::string_view source) const;
  core::Status set_anchor(std::string_view source, const SnapshotId& snapshot, const ChunkId& node);

  static constexpr std::size_t kBufferBytes = 4 * 1024 * 1024;

 private:
  StatCache(WriteView view, const Options& options) : view_(view), options_(options) {}
  [[nodiscard]] core::Result<bool> is_settled(std::uint64_t interval) const;
  core::Status change(core::Bytes key, std::optional<core::Bytes> value);
  core::Status drop_replaced(const FolderKey& key, const FolderRecord& record);
  [[nodiscard]] core::Result<std::optional<FolderRecord>> stored(const FolderKey& key) const;
  [[nodiscard]] core::Error unreadable(const FolderKey& key, std::string_view why) const;
  core::Status forget_below(const FolderKey& key, const std::string& path, unsigned depth);

  WriteView view_;
  Options options_;
  std::uint64_t dead_packs_ = 0;
  std::optional<std::uint64_t> interval_;  ///< noted as unsettled
  std::vector<store::StatChange> changes_;
  std::size_t changes_bytes_ = 0;
  mutable std::mutex mutex_;                           ///< protects settled_ and unreadable_
  mutable std::unordered_set<std::uint64_t> settled_;  ///< intervals known to be settled
  mutable std::vector<FolderKey> unreadable_;          ///< records with a damaged or foreign piece
};

/// Reads a record's entries in order, one piece in memory at a time. Not thread-safe.
class RecordEntries {
 public:
  /// Both must outlive it.
  RecordEntries(const StatCache& cache, std::shared_ptr<const RecalledFolder> folder)
      : cache_(&cache), folder_(std::move(folder)) {}
  /// Going back costs reading a piece again. The pointer is valid until the next call.
  [[nodiscard]] core::Result<const Entry*> at(std::size_t index);

 private:
  const StatCache* cache_;
  std::shared_ptr<const RecalledFolder> folder_;
  std::vector<Entry> entries_;
  std::size_t piece_ = 0;
  std::size_t first_ = 0;  ///< index of the piece's first entry
  bool loaded_ = false;
};

}  // namespace cairn::repo::ops
