#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/path_filter.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshots.h"

namespace cairn::repo {

struct SnapshotStatistics {
  SnapshotId id;
  core::Timestamp start;
  std::int32_t utc_offset_minutes = 0;
  TreeCounts counts;
  AddedBytes added_data;
  AddedBytes added_metadata;
};

struct Statistics {
  std::vector<SnapshotStatistics> snapshots;  ///< oldest first
  TreeCounts total;  ///< of all snapshots together: what restoring all would write
  /// Plaintext bytes of all stored data chunks, needed or not. One that two writers stored at the
  /// same time counts twice.
  std::uint64_t unique_bytes = 0;
  std::uint64_t unique_chunks = 0;
  std::uint64_t metadata_bytes = 0;  ///< the same for nodes
  std::uint64_t metadata_chunks = 0;
  /// Forgotten snapshots whose object no prune has removed yet: some of what is stored may not be
  /// needed any more.
  std::uint64_t awaiting_prune = 0;
  std::uint64_t stored_bytes = 0;  ///< all objects of the repository
  std::uint64_t data_pack_bytes = 0;
  std::uint64_t metadata_pack_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t data_packs = 0;
  std::uint64_t metadata_packs = 0;
  std::uint64_t index_segments = 0;
  std::uint64_t unreadable_snapshots = 0;  ///< not included in any of the sums over snapshots
};

/// Counts. Reads snapshots and the index, no contents. Errors: not_permitted, io.
[[nodiscard]] core::Result<Statistics> statistics(Repository& repository, Observer& observer);

struct WouldFreeOptions {
  std::vector<std::string> snapshots = {};  ///< as find_snapshot() takes them
  SnapshotFilter filter = {};               ///< where "latest" is looked for
  PathFilter exclude = {};                  ///< from all snapshots that would stay
  std::stop_token stop = {};
};

/// Bytes as stored in packs.
struct WouldFree {
  std::uint64_t needed_bytes = 0;    ///< now, by all snapshots
  std::uint64_t freed_bytes = 0;     ///< those that no snapshot would need any more
  std::uint64_t added_bytes = 0;     ///< what folders without the excluded paths would take
  std::uint64_t unneeded_bytes = 0;  ///< needed by no snapshot already now

  friend bool operator==(const WouldFree&, const WouldFree&) = default;
};

/// How much forgetting snapshots, or excluding paths everywhere, would free. Walks the trees of all
/// snapshots and changes nothing; a prune that leaves no waste frees as much. Memory: as prune().
/// Errors: not_permitted (roles admin, restore, maintain and audit may), not_found, corrupt (for
/// something that cannot be read, what it needs is not known), invalid_argument, interrupted, io.
[[nodiscard]] core::Result<WouldFree> would_free(Repository& repository,
                                                 const WouldFreeOptions& options,
                                                 Observer& observer);

}  // namespace cairn::repo
