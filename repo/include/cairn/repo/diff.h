#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

/// What differs between two snapshots, or between a snapshot and the files on disk.
namespace cairn::repo {

/// One of the two trees.
struct DiffSide {
  const Snapshot* snapshot = nullptr;  ///< nullptr: the live file system
  std::string path = {};  ///< absolute, raw bytes; empty or "/" of a snapshot: its sources
};

struct DiffOptions {
  DiffSide before = {};
  DiffSide after = {};
  /// Reads live files even if their size and mtime are those of the snapshot.
  bool compare_contents = false;
  std::stop_token stop = {};
};

enum class DifferenceType : std::uint8_t {
  added,
  removed,
  modified,  ///< `fields` says in what
  type,      ///< another type of object under the same name
};
[[nodiscard]] std::string_view to_string(DifferenceType type) noexcept;

enum class ChangedField : std::uint8_t {
  content,      ///< bytes of a file, or where its holes are
  link_target,  ///< of a symbolic link
  device,       ///< number of a device
  mode,
  owner,        ///< user or group, by number
  owner_names,  ///< the numbers are the same, their names are not
  mtime,
  xattrs,
  inode_flags,
  hard_link,  ///< which names share an object; not known if one side is live
};
[[nodiscard]] std::string_view to_string(ChangedField field) noexcept;
/// True for the contents of an object, false for its metadata.
[[nodiscard]] bool is_content(ChangedField field) noexcept;

struct Difference {
  DifferenceType type = DifferenceType::modified;
  std::string path;  ///< absolute, raw bytes: where it is now, for removed ones where it was
  std::optional<Entry> before;
  std::optional<Entry> after;
  std::vector<ChangedField> fields;  ///< of modified ones, in the order of the enumeration
};

struct DiffReport {
  TreeCounts added;
  TreeCounts removed;
  std::uint64_t content_changed = 0;   ///< modified, content among the fields
  std::uint64_t metadata_changed = 0;  ///< modified in nothing else
  std::uint64_t type_changed = 0;
  std::uint64_t pieces_read = 0;    ///< nodes of recorded folders; equal ones are not read
  std::uint64_t problem_count = 0;  ///< live objects that could not be read: not compared

  friend bool operator==(const DiffReport&, const DiffReport&) = default;
};

/// Visits the changes from `before` to `after` in walk order: names ascending as bytes, a folder
/// before its contents; of a folder that was added or removed, everything in it. Folders above the
/// sources of a snapshot that were not recorded have no metadata to compare.
///
/// Equal subtrees and equal parts of folders are recognised by their ids and not read. A live file
/// counts as unchanged if its size and mtime are; if only the mtime differs, it is read and
/// compared chunk by chunk. Birth times are not compared. What the backup left out by choice is on
/// disk but not in the snapshot, so it counts as added.
///
/// Live objects that cannot be read are reported to the observer. Memory: for each folder on the
/// current path one leaf per side, one chunk, and the live walk. At least one side must be a
/// snapshot. Errors: not_found (a side has no such path), corrupt, not_permitted, interrupted, io;
/// or what `visit` returns.
[[nodiscard]] core::Result<DiffReport> diff(
    Repository& repository, const DiffOptions& options, Observer& observer,
    const std::function<core::Status(const Difference&)>& visit);

}  // namespace cairn::repo
