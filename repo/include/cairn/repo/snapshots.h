#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

/// Listing snapshots, and finding the one that a user means. Not thread-safe. Memory: the manifests
/// of all snapshots.
namespace cairn::repo {

/// A snapshot as it is now: its tags are those of its newest mark, if it has one (marks.h).
struct ListedSnapshot {
  SnapshotId id;
  ChainId chain;
  std::uint64_t sequence = 0;
  Snapshot snapshot;
  bool pinned = false;  ///< is never forgotten
};

/// By start; of equal starts by the number in the client's chain, then by id.
[[nodiscard]] bool is_older(const ListedSnapshot& a, const ListedSnapshot& b) noexcept;

/// How far the clocks of two machines may differ.
inline constexpr std::int64_t kClockToleranceSeconds = 600;
/// True if it was made by a clock that ran ahead of ours by more than the tolerance.
[[nodiscard]] bool is_in_future(const Snapshot& snapshot, core::Timestamp now) noexcept;

/// Which snapshots; an empty list does not restrict.
struct SnapshotFilter {
  std::vector<std::string> names = {};  ///< as for find_snapshot(), among those that pass the rest
  std::vector<std::vector<std::string>> tag_lists = {};  ///< all tags of one of these lists
  std::vector<std::string> hosts = {};
  std::vector<std::string> sets = {};
  std::vector<std::string> paths = {};  ///< its sources include all of these
  std::vector<SnapshotType> types = {};
  bool allow_partial = false;  ///< "latest" may be a partial one; lists include them anyway

  /// True if everything passes.
  [[nodiscard]] bool is_empty() const;
  friend bool operator==(const SnapshotFilter&, const SnapshotFilter&) = default;
};

struct UnreadableSnapshot {
  SnapshotId id;
  std::string reason;
};

struct SelectedSnapshots {
  std::vector<ListedSnapshot> snapshots;  ///< oldest first, as is_older() says
  /// Whether these would pass is not known. None if the snapshots were named.
  std::vector<UnreadableSnapshot> unreadable;
};

/// The snapshots that pass and were not forgotten. The observer is also warned about unreadable
/// snapshots and marks. Errors: not_permitted, io, and those of find_snapshot() for names.
[[nodiscard]] core::Result<SelectedSnapshots> select_snapshots(Repository& repository,
                                                               const SnapshotFilter& filter,
                                                               Observer& observer);

/// All that can be read and were not forgotten.
[[nodiscard]] core::Result<std::vector<ListedSnapshot>> list_snapshots(Repository& repository,
                                                                       Observer& observer);

/// One snapshot, as the user named it: "latest", "latest~2" (two before it), or a unique prefix of
/// its id (at least 4 digits).
///
/// "latest" is the newest one that passes the filter. It skips restore points, so that a restore of
/// it can be repeated; partial ones, unless the filter allows them; and those dated in the future
/// by a wrong clock. The observer is warned about the last two. While a snapshot that may be newer
/// cannot be read there is no "latest": the error is that snapshot's.
///
/// Errors: not_found, invalid_argument (ambiguous: names the matches), corrupt, io.
[[nodiscard]] core::Result<ListedSnapshot> find_snapshot(Repository& repository,
                                                         std::string_view name, Observer& observer,
                                                         const SnapshotFilter& filter = {});

/// What "latest" was at the time `when`. Errors: as find_snapshot().
[[nodiscard]] core::Result<ListedSnapshot> find_snapshot_at(Repository& repository,
                                                            core::Timestamp when,
                                                            Observer& observer,
                                                            const SnapshotFilter& filter = {});

}  // namespace cairn::repo
