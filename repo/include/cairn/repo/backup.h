#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/clock.h"
#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/path_filter.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo {

/// Compression of new blocks: zstd level 0 (store raw) to 19.
inline constexpr int kCompressionFast = 1;
inline constexpr int kCompressionDefault = 3;
inline constexpr int kCompressionMax = 19;

/// What is left out of the sources. Paths that were named themselves never are, though a folder
/// above them, in another source, may be.
struct Choice {
  PathFilter filter = {};  ///< applied to absolute paths
  /// Of folders that contain a CACHEDIR.TAG with its signature (https://bford.info/cachedir/), only
  /// the tag is kept.
  bool exclude_caches = false;
  /// Of folders that contain an object with one of these names, only that is kept.
  std::vector<std::string> exclude_if_present = {};
  std::optional<std::uint64_t> exclude_larger_than_bytes = {};  ///< files
  bool exclude_nodump = false;                                  ///< what carries the inode flag
  /// Folders on other file systems than the source's own are recorded as empty.
  bool one_file_system = false;
};

/// Bytes from elsewhere than the file system: standard input, a command's output. They become a
/// source that is a single file.
struct StreamSource {
  std::string path;  ///< absolute: the name of the file
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  /// Fills the buffer; fewer bytes, or none, only at the end. Called from one thread.
  std::function<core::Result<std::size_t>(core::MutableByteView)> read;
  /// Called after the last byte. An error here means that what was read is worthless (the command
  /// failed): there will be no snapshot.
  std::function<core::Status()> finish;
};

struct BackupOptions {
  /// Absolute; folders, files or anything else that has a name. Snapshot, filter and messages use
  /// these names.
  std::vector<std::string> paths;
  /// Where one of the paths, without "." and doubled '/', is read: a file system's own snapshot is
  /// mounted somewhere else each time. Both absolute. Other paths are read where they are.
  std::map<std::string, std::string> read_from = {};
  std::optional<StreamSource> stream = {};  ///< instead of paths
  Choice choice = {};
  std::string host = {};                     ///< what to record; empty: the environment's
  std::optional<core::Timestamp> time = {};  ///< what to record as the start; not in the future
  /// Makes no snapshot if the last one of the same host, set and paths is the same: equal trees,
  /// the same type, and all tags.
  bool skip_if_unchanged = false;
  std::string set = {};
  SnapshotType type = SnapshotType::manual;
  std::vector<std::string> tags;
  std::string description = {};
  std::string program_version;
  int compression_level = kCompressionDefault;
  bool dry_run = false;  ///< reads and deduplicates, writes nothing
  /// Reads every file, whatever the stat cache says.
  bool force_rehash = false;
  /// A file counts as unchanged even if its change time differs: changes that only the change time
  /// shows are missed. Applies from the second backup with it on: what was recorded without it is
  /// read once more.
  bool ignore_ctime = false;
  /// The same for inode numbers, on file systems that invent new ones.
  bool ignore_inode = false;
  /// The part of the unchanged files that is read again anyway, 0 to 1. Files whose bytes have
  /// changed behind the file system's back become problems.
  double rehash_sample = 0;
  /// Ends with a partial snapshot of what was read by then; 0: never.
  std::uint64_t time_limit_seconds = 0;
  /// Reports each object that is new, changed or removed to the observer.
  bool tell_changes = false;
  bool measure_stages = false;  ///< fill BackupReport::stages
  bool estimate = false;        ///< count the sources meanwhile, so that progress has totals
  unsigned workers = 0;         ///< 0: one per processor
  std::stop_token stop;         ///< ends the backup at the next file; what was stored is kept
};

/// What became of the objects since the last backup from this machine, as far as the stat cache
/// remembers; "files" are all objects that are no folders.
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

/// The time that one kind of work took, in all threads together.
struct StageTime {
  std::string name;
  std::uint64_t ns = 0;
  std::uint64_t bytes = 0;  ///< that passed through it; 0 if it is not measured in bytes
};

struct BackupReport {
  std::optional<SnapshotId> id;  ///< nullopt after a dry run, or if it was left out as unchanged
  /// The snapshot that is already the same; only with `skip_if_unchanged`.
  std::optional<SnapshotId> unchanged_since;
  Snapshot snapshot;
  ChangeCounts changes;
  /// Paths that were skipped because they contain the repository itself, or its cache.
  std::vector<std::string> left_out_folders;
  std::uint64_t data_packs = 0;  ///< new ones
  std::uint64_t metadata_packs = 0;
  std::uint64_t written_bytes = 0;  ///< all objects this backup put into the repository
  std::vector<StageTime> stages;    ///< in the order of the work; empty if not asked for
};

/// Makes a snapshot of the paths. Problems with single files are collected in the report and
/// reported to the observer; the snapshot then exists without them. Threads: `workers` and three
/// more; memory: docs/ARCHITECTURE.md.
///
/// Paths that do not exist or cannot be opened are problems like any other, as long as there is
/// something else to back up.
///
/// Errors: not_found, permission_denied, io (for all of the paths; nothing is made), not_permitted
/// (the key's role), invalid_argument (a time in the future, a tag with a comma, a source that is
/// read elsewhere and is inside another one), no_space (also before the limit of settings.h would
/// be exceeded), io, interrupted, and those of a stream. After an error the repository is as
/// before, except for packs that the next backup can use.
[[nodiscard]] core::Result<BackupReport> backup(Repository& repository,
                                                const BackupOptions& options, Observer& observer);

}  // namespace cairn::repo
