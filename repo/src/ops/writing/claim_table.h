#pragma once

#include <array>
#include <mutex>
#include <set>
#include <unordered_set>

#include "cairn/core/result.h"
#include "cairn/repo/ids.h"
#include "format/index.h"
#include "ops/repository/write_view.h"

namespace cairn::repo::ops {

/// Who stores which chunk: the first of all threads that have it. Thread-safe. Memory: about 60
/// bytes for each claim that no index segment lists yet.
class ClaimTable {
 public:
  struct Rules {
    /// Not nullptr: only these are wanted. Must outlive the table.
    const std::set<ChunkId>* only = nullptr;
    /// Claims are never released, so some are dropped; a chunk may then be counted twice.
    bool is_dry_run = false;
  };
  ClaimTable(WriteView view, const Rules& rules)
      : view_(view), rules_(rules), usable_(view.usable_packs.filter()) {}

  /// True if the caller must store the chunk: it is wanted, it is in no usable pack, and nobody
  /// else was told to store it. Errors: the catalogue's.
  [[nodiscard]] core::Result<bool> claim(const ChunkId& id);
  /// Drops the claims of chunks that the catalogue knows now.
  void release(const format::IndexSegment& ingested);

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;
    std::unordered_set<ChunkId> ids;
  };
  [[nodiscard]] Shard& shard(const ChunkId& id) noexcept;

  WriteView view_;
  const Rules rules_;
  const store::PackFilter usable_;
  std::array<Shard, kShards> shards_;
};

}  // namespace cairn::repo::ops
