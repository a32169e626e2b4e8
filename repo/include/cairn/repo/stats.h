#pragma once

#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

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
  TreeCounts total;                ///< of all snapshots together: what restoring all would write
  std::uint64_t unique_bytes = 0;  ///< plaintext of all chunks that are stored, data
  std::uint64_t unique_chunks = 0;
  std::uint64_t metadata_bytes = 0;  ///< plaintext of all nodes
  std::uint64_t metadata_chunks = 0;
  std::uint64_t stored_bytes = 0;  ///< all objects of the repository
  std::uint64_t data_pack_bytes = 0;
  std::uint64_t metadata_pack_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t data_packs = 0;
  std::uint64_t metadata_packs = 0;
  std::uint64_t index_segments = 0;
};

/// Counts. Reads snapshots and the index, no contents. Errors: not_permitted, io.
[[nodiscard]] core::Result<Statistics> statistics(Repository& repository, Observer& observer);

}  // namespace cairn::repo
