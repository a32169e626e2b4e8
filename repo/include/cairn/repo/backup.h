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
  bool dry_run = false;   ///< reads and deduplicates, writes nothing
  bool estimate = false;  ///< count the sources meanwhile, so that progress has totals
  unsigned workers = 0;   ///< 0: one per processor
  std::stop_token stop;   ///< ends the backup at the next file; what was stored is kept
};

struct BackupReport {
  std::optional<SnapshotId> id;  ///< nullopt after a dry run
  Snapshot snapshot;
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
