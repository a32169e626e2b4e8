#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo {

/// Compression of new blocks: zstd level 0 (store raw) to 19.
inline constexpr int kCompressionFast = 1;
inline constexpr int kCompressionDefault = 3;
inline constexpr int kCompressionMax = 19;

struct BackupOptions {
  std::vector<std::string> paths;  ///< absolute; folders, files or anything else that has a name
  std::string set;
  SnapshotType type = SnapshotType::manual;
  std::vector<std::string> tags;
  std::string description;
  std::string program_version;
  int compression_level = kCompressionDefault;
  bool dry_run = false;  ///< reads and deduplicates, writes nothing
  /// Reads every file, whatever the stat cache says.
  bool force_rehash = false;
  /// The part of the unchanged files that is read again all the same, 0 to 1. Those whose bytes
  /// have changed behind the back of the file system become problems.
  double rehash_sample = 0;
  /// Ends with a partial snapshot of what was read until then; 0: never.
  std::uint64_t time_limit_seconds = 0;
  /// Tells the observer each object that is new, changed or removed.
  bool tell_changes = false;
  bool estimate = false;  ///< count the sources meanwhile, so that progress has totals
  unsigned workers = 0;   ///< 0: one per processor
  std::stop_token stop;   ///< ends the backup at the next file; what was stored is kept
};

/// What has become of the objects since the last backup from this machine, as far as the stat cache
/// remembers; "files" are all that are no folders.
struct ChangeCounts {
  std::uint64_t files_new = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_unmodified = 0;
  std::uint64_t folders_new = 0;
  std::uint64_t folders_changed = 0;  ///< something in them, at any depth
  std::uint64_t folders_unmodified = 0;
  std::uint64_t removed = 0;  ///< names; what was below a removed folder is not counted

  friend bool operator==(const ChangeCounts&, const ChangeCounts&) = default;
};

struct BackupReport {
  std::optional<SnapshotId> id;  ///< nullopt after a dry run
  Snapshot snapshot;
  ChangeCounts changes;
  std::uint64_t data_packs = 0;  ///< new ones
  std::uint64_t metadata_packs = 0;
  std::uint64_t written_bytes = 0;  ///< all objects this backup put into the repository
};

/// Makes a snapshot of the paths. Problems with single files are collected in the report (and told
/// to the observer); the snapshot then exists without them. Thread use: `workers` threads and three
/// more; memory: docs/ARCHITECTURE.md.
///
/// Errors: not_found (a path does not exist; nothing is made), not_permitted (the key's role),
/// no_space, io, interrupted: the repository is then as before, but for packs that the next backup
/// can use.
[[nodiscard]] core::Result<BackupReport> backup(Repository& repository,
                                                const BackupOptions& options, Observer& observer);

}  // namespace cairn::repo
