#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ops/incremental/record_cursor.h"
#include "ops/incremental/source_stamp.h"
#include "ops/posix/object_metadata.h"
#include "ops/posix/owner_names.h"
#include "ops/source/source.h"

namespace cairn::repo::ops {

/// An object of the source that was looked at, and what the stat cache knows about it.
struct Child {
  Statx status{};
  Stamp stamp = kNoStamp;
  Fate fate = Fate::is_new;
  std::optional<std::uint32_t> recorded_index = {};
  std::shared_ptr<DatabaseLogs> logs = {};
  bool is_log = false;

  [[nodiscard]] bool is_folder() const noexcept { return S_ISDIR(status.stx_mode); }
  /// Only its presence needs to be reported. Objects with several names need more, because which of
  /// these is the first depends on other folders.
  [[nodiscard]] bool is_quiet() const noexcept {
    return fate == Fate::as_recorded && !is_folder() && status.stx_nlink == 1 && logs == nullptr;
  }
};

/// Compares a walk's objects with the stat cache. Not thread-safe.
class SourceComparison {
 public:
  explicit SourceComparison(WalkOptions options);

  /// Owner of an object, with names.
  [[nodiscard]] const Owner& owner(const Statx& status);
  /// Decides what becomes of a child; `before` is a time before its status was taken. `cursor`: in
  /// the record of its folder, if there is one.
  core::Status look(std::string_view name, core::Timestamp before, RecordCursor* cursor,
                    Child& child);
  /// The same for a source that is no folder; fills in its record, if there is one.
  core::Status look_at_lone_source(MetObject& source, Child& child);
  /// Copies what is known about the child into the item.
  static void describe(const Child& child, WalkItem& item);

  /// The node that a trusted record names for a subfolder, or an anchor for a source.
  [[nodiscard]] static std::optional<ChunkId> vouched_node(const Child& child,
                                                           const RecordCursor* cursor);
  [[nodiscard]] core::Result<std::optional<ChunkId>> anchored_node(const std::string& source) const;
  /// The record of a folder, which then counts as known; nullptr: there is none.
  [[nodiscard]] core::Result<std::shared_ptr<const RecalledFolder>> recall(
      WalkItem& item, const std::optional<ChunkId>& vouched) const;
  /// A cursor in a record, which reports removed names. While it is used `path` is that of the
  /// folder, without a '/' at its end.
  [[nodiscard]] RecordCursor cursor(std::shared_ptr<const RecalledFolder> record,
                                    const std::string& path) const;

  [[nodiscard]] core::Timestamp now() const;

 private:
  core::Status compare(std::string_view name, RecordCursor& cursor, Child& child) const;

  WalkOptions options_;
  StampMaker stamps_;
  OwnerNames owner_names_;
  std::optional<Owner> last_owner_;
};

}  // namespace cairn::repo::ops
