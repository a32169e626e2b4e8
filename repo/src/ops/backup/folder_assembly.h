#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "ops/incremental/stat_cache.h"
#include "ops/tree/node_builder.h"
#include "ops/tree/tree_counts.h"

namespace cairn::repo::ops {

/// What all folders of one source share. Everything must outlive them.
struct AssemblyParts {
  NodeSink& sink;
  core::ByteView split_key;
  StatCache* cache = nullptr;  ///< nullptr: nothing is reused or recorded
};

/// One folder being put together from its children, in the order of names.
///
/// As long as the children are those of a trusted record, one after the other, nothing is built: if
/// that holds to the end, the folder has the record's node. At the first child that differs it
/// builds from the record's entries. Not thread-safe. Memory: one leaf, and eight bytes per child
/// for the new record.
class FolderAssembly {
 public:
  /// `recalled`: the folder's record, may be nullptr.
  FolderAssembly(const AssemblyParts& parts, const std::string& path,
                 std::shared_ptr<const RecalledFolder> recalled);

  /// Children `first` to `first + count - 1` of the record, none of them a folder.
  core::Status add_unchanged(std::uint32_t first, std::size_t count);
  /// A child. `same_as`: the child of the record that it equals in every respect, including its
  /// stamp and everything below it.
  core::Status add(Entry entry, Stamp stamp, std::optional<std::uint32_t> same_as);
  /// The record's entry of a child. Valid until the next call.
  [[nodiscard]] core::Result<const Entry*> recorded_entry(std::uint32_t index);
  /// True if that child is a folder with this node.
  [[nodiscard]] bool has_node(std::uint32_t index, const ChunkId& node) const noexcept {
    const RecordedSubfolder* const subfolder = recalled_->subfolder(index);
    return subfolder != nullptr && subfolder->node == node;
  }

  /// The number of objects in the record at any depth.
  [[nodiscard]] std::uint64_t recorded_below() const noexcept {
    return recalled_ != nullptr && recalled_->record.content
               ? recalled_->record.content->entries_below
               : 0;
  }

  struct Finished {
    FolderContent content;
    TreeCounts own;          ///< the children alone
    bool unchanged = false;  ///< everything in it is as recorded, at any depth
  };
  /// How the walk left the folder.
  struct Left {
    /// Not all children came: those that did not stay recorded.
    bool early = false;
    /// Children that exist but could not be looked at: what is known below them is kept.
    const std::vector<std::string>* refused = nullptr;
  };
  /// To be called once, after the last child.
  [[nodiscard]] core::Result<Finished> finish(const std::string& path, const Left& left);
  /// Records the children so far and, after them, those of the old record, for a backup that does
  /// not reach the folder's end. The old record is still read after that.
  core::Status record_progress();

 private:
  core::Status build();
  core::Status append(Entry entry, Stamp stamp);
  core::Status forget_removed(const std::string& path, const Left& left);
  core::Status append_rest(FolderRecord& record);

  AssemblyParts parts_;
  FolderKey key_;
  std::shared_ptr<const RecalledFolder> recalled_;
  std::optional<RecordEntries> entries_;
  std::uint32_t same_ = 0;                  ///< children so far, if all are the record's
  std::unique_ptr<FolderBuilder> builder_;  ///< nullptr as long as all children are the record's
  std::string last_name_;                   ///< of the child appended last
  std::uint32_t passed_ = 0;  ///< children of the record before this one come before that name
  FolderRecord record_;
};

}  // namespace cairn::repo::ops
