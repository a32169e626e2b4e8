#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/core/crypto.h"
#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// Looking for objects in many snapshots at once.
namespace cairn::repo {

struct FindOptions {
  /// Matches any of these; none: every object. The syntax is that of path_filter.h: a pattern
  /// without '/' matches names, one that begins with '/' absolute paths, any other the end of a
  /// path.
  std::vector<std::string> patterns = {};
  bool ignore_case = false;                   ///< of ASCII letters in patterns
  std::optional<core::Timestamp> newer = {};  ///< mtime after this
  std::optional<core::Timestamp> older = {};  ///< mtime at this or before
  std::optional<std::uint64_t> larger = {};   ///< files of more bytes
  std::optional<std::uint64_t> smaller = {};  ///< files of fewer bytes
  std::optional<EntryType> type = {};
  std::stop_token stop = {};
};

struct FindReport {
  std::uint64_t snapshots = 0;     ///< looked at
  std::uint64_t found = 0;         ///< objects, counted in every snapshot that has them
  std::uint64_t folders_read = 0;  ///< folders for which nothing was remembered

  friend bool operator==(const FindReport&, const FindReport&) = default;
};

/// Visits what matches, snapshot by snapshot, in walk order. A subtree that is under the same path
/// in several snapshots is read once: its findings are remembered, within kFindMemoryMax. Folders
/// above sources, which were not recorded, are not looked at. Memory: kFindMemoryMax, and one leaf
/// for each folder on the current path. Errors: invalid_argument (a broken pattern), corrupt,
/// not_permitted, interrupted, io; or what `visit` returns.
[[nodiscard]] core::Result<FindReport> find(
    Repository& repository, const std::vector<ListedSnapshot>& snapshots,
    const FindOptions& options, Observer& observer,
    const std::function<core::Status(const ListedSnapshot&, const ListedEntry&)>& visit);

/// Bytes that remembered folders and findings may take.
inline constexpr std::size_t kFindMemoryMax = 64 * 1024 * 1024;

/// What a finding says about its snapshot.
struct SnapshotMoment {
  SnapshotId id;
  core::Timestamp start;

  friend bool operator==(const SnapshotMoment&, const SnapshotMoment&) = default;
};

/// One state of a path: same type, content, size and mtime.
struct FoundVersion {
  Entry entry;               ///< as in the first snapshot
  core::Hash256 content_id;  ///< equal for equal content; of a folder, for all that is below it
  SnapshotMoment first;
  SnapshotMoment last;  ///< snapshots between the two may lack it
  std::uint64_t snapshots = 0;
};

/// Every distinct version of one path, in the order of their first snapshots. Snapshots without the
/// path are skipped; folders above sources have no versions. Errors: invalid_argument, corrupt,
/// not_permitted, interrupted, io.
[[nodiscard]] core::Result<std::vector<FoundVersion>> find_versions(
    Repository& repository, const std::vector<ListedSnapshot>& snapshots, const std::string& path,
    std::stop_token stop, Observer& observer);

}  // namespace cairn::repo
