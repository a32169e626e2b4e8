#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// Repairing what can be repaired.
namespace cairn::repo {

struct RepairObjectsOptions {
  bool dry_run = false;
  std::stop_token stop = {};
};

struct RepairedObject {
  enum class Action : std::uint8_t {
    rewritten,  ///< from its intact copy, or from what the key slots hold
    removed,    ///< it had no effect, or exists under its right name
    left,       ///< this cannot repair it; `message` says what can
  };
  Action action = Action::left;
  std::string object;   ///< "snapshots/12...", "config"
  std::string message;  ///< what was wrong, and what it means
};
[[nodiscard]] std::string_view to_string(RepairedObject::Action action) noexcept;

/// Repairs small objects. Objects with one intact copy (config, key slots, snapshots, tombstones)
/// are rewritten from it, the config from the copy in the key slots if need be. Marks, settings,
/// announcements and tombstones that cannot be read, and so have no effect, are removed, as are
/// copies of objects under wrong names. Only what was read and found damaged is touched, never what
/// the storage failed to return, and only if it is still the same. Returns what was, or would be,
/// done; nothing if all is well. Errors: not_permitted (admin and maintain may), no_space,
/// interrupted, io.
[[nodiscard]] core::Result<std::vector<RepairedObject>> repair_objects(
    Repository& repository, const RepairObjectsOptions& options, Observer& observer);

struct RepairIndexOptions {
  bool dry_run = false;
  std::stop_token stop = {};
};

struct RepairIndexReport {
  std::uint64_t segments_before = 0;
  std::uint64_t segments_damaged = 0;  ///< could not be read
  std::uint64_t segments_after = 0;
  std::uint64_t packs = 0;         ///< that the index lists now
  std::uint64_t packs_found = 0;   ///< of these, how many no readable segment listed before
  std::vector<PackId> missing;     ///< were listed, and are gone
  std::vector<PackId> unreadable;  ///< exist, but are not listed and have a damaged directory
};

/// Rewrites the index from intact segments and, for packs that none of these lists, from the packs'
/// own directories. Packs that are gone are dropped from it, so that the next backup of files that
/// had chunks in them stores these again. Nothing but index segments is removed; backups may run
/// meanwhile. Memory: as for prune. Errors: not_permitted (admin and maintain may), no_space,
/// interrupted, io.
[[nodiscard]] core::Result<RepairIndexReport> repair_index(Repository& repository,
                                                           const RepairIndexOptions& options,
                                                           Observer& observer);

struct RepairPacksOptions {
  /// Empty: all packs are read, and the damaged ones repaired.
  std::vector<PackId> packs = {};
  /// Absolute paths of files and folders that may still contain what is lost.
  std::vector<std::string> sources = {};
  Repository* from = nullptr;  ///< another repository that may have it, of role admin or restore
  bool dry_run = false;        ///< says which packs are damaged and what is missing
  std::string program_version = {};
  int compression_level = kCompressionDefault;
  std::uint64_t stale_after_seconds = 600;  ///< as PruneOptions
  unsigned workers = 0;                     ///< 0: one per processor
  std::stop_token stop = {};
};

struct RepairPacksReport {
  std::uint64_t packs_checked = 0;
  std::vector<PackId> damaged;
  std::uint64_t packs_removed = 0;  ///< damaged ones, after what was intact in them was copied
  /// Could not be removed: others were working, or the storage did not return all of their bytes.
  std::uint64_t packs_kept = 0;
  std::uint64_t chunks_saved = 0;       ///< copied out of damaged packs
  std::uint64_t chunks_unreadable = 0;  ///< in damaged packs, and in no other

  /// Chunks that snapshots need and no pack has, as far as readable nodes name them: before and
  /// after. A repaired node may name more.
  std::uint64_t missing_before = 0;
  std::uint64_t healed_from_sources = 0;
  std::uint64_t healed_from_repository = 0;
  std::uint64_t missing_after = 0;
};

/// Saves what is readable of damaged packs: intact chunks are copied into new packs, then the
/// damaged packs are deleted as prune() deletes packs, with the same waits. A pack that the storage
/// does not return (io, not_permitted) is kept, with a warning. Then it looks for chunks that
/// snapshots need and no pack has: in the files below `sources`, which are read and cut as in a
/// backup, and in the other repository, whose snapshots are read as in a copy. What is found is
/// stored; no snapshot changes, and those that needed it are whole again.
///
/// Memory: 60 bytes for each chunk of a damaged pack, and that of prune() and backup() or copy().
/// Errors: not_permitted (role admin), invalid_argument (`from` is this repository, or a copy of it
/// file by file), not_found (a source), no_space, interrupted, io.
[[nodiscard]] core::Result<RepairPacksReport> repair_packs(Repository& repository,
                                                           const RepairPacksOptions& options,
                                                           Observer& observer);

}  // namespace cairn::repo
