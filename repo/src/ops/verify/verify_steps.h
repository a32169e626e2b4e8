#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "cairn/repo/verify.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/repository/pack_directories.h"
#include "ops/tree/node_references.h"
#include "ops/verify/findings.h"

/// The steps of verify, in order: small objects, packs that should exist, trees, bytes, and at last
/// the paths that are affected by damage.
///
/// What is looked for is listed before the place where it should be: registers before the index,
/// the index before the packs, because they are written in the opposite order. So a backup that
/// publishes meanwhile makes nothing look missing. A prune may.
namespace cairn::repo::ops {

struct CheckedSnapshot {
  SnapshotId id;
  Snapshot snapshot;
};

struct VerifyWork {
  CatalogueView view;
  const VerifyOptions& options;
  ProgressMeter& meter;
  Findings& findings;
  VerifyReport& report;
  /// Packs that are listed but gone, with their findings.
  std::unordered_map<store::PackNumber, std::size_t> missing = {};
};

/// Checks config, key slots, sessions, tombstones, condemned records, marks, and registers with
/// their signatures and chains. Returns the snapshots to go on with (all, or the requested ones).
/// not_found if a requested one does not exist.
[[nodiscard]] core::Result<std::vector<CheckedSnapshot>> verify_objects(VerifyWork& work);

/// Checks index segments against packs: listed and existing, with the right size. `directories`
/// were listed after the registers; what they lack is looked for again.
core::Status verify_index(VerifyWork& work, const PackDirectories& directories);

/// Which blocks of which packs the checked snapshots need.
class NeededBlocks {
 public:
  void add(const store::ChunkLocation& location);
  [[nodiscard]] bool needs_pack(store::PackNumber pack) const { return packs_.contains(pack); }

 private:
  std::unordered_set<store::PackNumber> packs_;
};

/// Walks the snapshots' trees: every node must open and decode, every chunk must have a place.
/// Subtrees that snapshots share are walked once. No StoredTreeWalk: paths matter only to
/// attribute_damage(). Memory: 40 bytes a node, and 2 MiB for chunks waiting to be looked up.
class TreeCheck {
 public:
  explicit TreeCheck(VerifyWork& work) : work_(work) {}

  core::Status check(const CheckedSnapshot& snapshot);
  [[nodiscard]] const NeededBlocks& needed() const noexcept { return needed_; }

 private:
  core::Status check_node(const ChunkId& id);
  /// `referrer`: what contains the pieces, in words.
  core::Status take(const NodeReferences& references, std::string_view referrer);
  core::Status check_waiting();
  struct Referred {
    ChunkId id;
    std::uint64_t length_bytes = 0;
    std::string_view referrer;
  };
  void judge(const Referred& chunk, const std::optional<store::ChunkLocation>& location);
  [[nodiscard]] core::Result<std::optional<core::Bytes>> read(const ChunkId& id);

  VerifyWork& work_;
  NeededBlocks needed_;
  /// The finding for all missing chunks of one kind of referrer.
  std::map<std::string_view, std::size_t> missing_;
  std::unordered_set<ChunkId> seen_;
  std::vector<ChunkId> pending_;
  /// Looked up together: in order they share leaves of the catalogue.
  static constexpr std::size_t kWaitingChunks = 16 * 1024;
  std::vector<Referred> waiting_;
};

/// What has been read of packs, however often verify had to look at the rest again.
struct AuditedPacks {
  Findings findings;
  std::unordered_set<store::PackNumber> done;
  bool any_gone = false;  ///< some of those last read were deleted before that
  std::uint64_t chunks_checked = 0;
  std::uint64_t bytes_read = 0;
};
/// Reads packs front to back: segment hashes, block seals, expansion, chunk ids. All packs, or the
/// needed ones, but not those that were read before.
core::Status verify_packs(VerifyWork& work, const NeededBlocks* needed, AuditedPacks& audited);

/// Reports for each snapshot which paths the marked damage affects.
core::Status attribute_damage(VerifyWork& work, const std::vector<CheckedSnapshot>& snapshots);

}  // namespace cairn::repo::ops
