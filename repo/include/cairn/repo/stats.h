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
  /// Plaintext of all chunks that are stored, be they needed or waiting for a prune; data. One that
  /// two writers have stored at the same time counts twice.
  std::uint64_t unique_bytes = 0;
  std::uint64_t unique_chunks = 0;
  std::uint64_t metadata_bytes = 0;  ///< the same of nodes
  std::uint64_t metadata_chunks = 0;
  /// Snapshots that were forgotten and whose object a prune has not taken away yet: some of what is
  /// stored may not be needed any more.
  std::uint64_t awaiting_prune = 0;
  std::uint64_t stored_bytes = 0;  ///< all objects of the repository
  std::uint64_t data_pack_bytes = 0;
  std::uint64_t metadata_pack_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t data_packs = 0;
  std::uint64_t metadata_packs = 0;
  std::uint64_t index_segments = 0;
  std::uint64_t unreadable_snapshots = 0;  ///< their share is in none of the sums of snapshots
};

/// Counts. Reads snapshots and the index, no contents. Errors: not_permitted, io.
[[nodiscard]] core::Result<Statistics> statistics(Repository& repository, Observer& observer);

struct WouldFreeOptions {
  std::vector<std::string> snapshots = {};  ///< as find_snapshot() takes them
  SnapshotFilter filter = {};               ///< what "latest" is one of
  PathFilter exclude = {};                  ///< out of all snapshots that would stay
  std::stop_token stop = {};
};

/// Bytes as they lie in packs.
struct WouldFree {
  std::uint64_t needed_bytes = 0;    ///< now, by all snapshots
  std::uint64_t freed_bytes = 0;     ///< of these no snapshot would need any more
  std::uint64_t added_bytes = 0;     ///< what folders without the excluded paths would take
  std::uint64_t unneeded_bytes = 0;  ///< already, by no snapshot

  friend bool operator==(const WouldFree&, const WouldFree&) = default;
};

/// What forgetting snapshots, or excluding paths everywhere, would give back. Walks the trees of
/// all snapshots and changes nothing; a prune that leaves no waste frees as much. Memory: as
/// prune(). Errors: not_permitted (roles admin, restore, maintain and audit may), not_found and
/// corrupt (it is not known what something needs that cannot be read), invalid_argument,
/// interrupted, io.
[[nodiscard]] core::Result<WouldFree> would_free(Repository& repository,
                                                 const WouldFreeOptions& options,
                                                 Observer& observer);

}  // namespace cairn::repo
