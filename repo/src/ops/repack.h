#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "ops/chunk_store.h"
#include "ops/progress_meter.h"
#include "ops/reachability.h"
#include "ops/state.h"

namespace cairn::repo::ops {

struct RepackOptions {
  const ChunkMarks& marks;
  const ChunkMarks& repeated;  ///< marked chunks that may lie in several packs
  store::PackFilter stays;     ///< packs that stay: what they hold need not be copied
  int compression_level = 3;
  unsigned workers = 1;
  std::stop_token stop = {};
};

/// Copies what is marked out of packs into new ones. A block of which everything is needed moves as
/// it is; of others the chunks that are needed are put into new blocks of their kind, if the role
/// can open them, else the whole block moves. Whatever is copied is checked first: chunks against
/// their ids where the role has the key, else ciphertext against the pack's table.
///
/// Not thread-safe; works with `workers` threads. Memory: for each of these its open blocks and one
/// block being read, 20 MiB at worst; 40 bytes for each repeated chunk; that of ChunkStore.
class Repack {
 public:
  Repack(State& state, const RepackOptions& options, ChunkStore& store, ProgressMeter& meter)
      : state_(state), options_(options), store_(store), meter_(meter) {}

  /// Damaged packs are passed over with a warning: what they hold is not copied, so they must stay.
  /// Errors: not_found (another collector has deleted a pack: plan anew), no_space (what was
  /// published stays), interrupted, io.
  core::Status run(const std::vector<PackId>& packs);

 private:
  class Worker;
  /// True if this copy of the chunk is the one to keep.
  [[nodiscard]] core::Result<bool> claim(const ChunkId& id);

  State& state_;
  const RepackOptions options_;
  ChunkStore& store_;
  ProgressMeter& meter_;
  std::mutex mutex_;  ///< copied_
  std::unordered_set<ChunkId> copied_;
};

}  // namespace cairn::repo::ops
