#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo {

/// What happens to objects of the target that are there already.
enum class Overwrite : std::uint8_t {
  refuse,      ///< a target that is not empty is an error, and nothing is done
  always,      ///< each becomes what the snapshot says; every byte of them is read and compared
  if_changed,  ///< as always, but a file of the recorded size and time is taken to hold its bytes
  if_newer,    ///< as always where the snapshot's time is the newer one; others are kept
  never,       ///< kept as they are; only what is missing is restored
};
[[nodiscard]] std::string_view to_string(Overwrite overwrite) noexcept;

struct RestoreOptions {
  /// What to restore: empty for the whole snapshot, recreated with its absolute paths below the
  /// target; else an absolute path inside it: a folder's contents or a file go into the target.
  std::string path;
  /// A folder, made if missing. Where a single file is restored it may also be a file that is
  /// there: that one is meant, then.
  std::string target;
  Overwrite overwrite = Overwrite::refuse;
  /// Removes what the snapshot does not have from the folders that are restored, and from no
  /// others; also folders that stand where a file belongs. What `selects` leaves out is spared.
  /// Spared as well, and told: what this restore reads from (the repository, the cache, what
  /// `protects` names), what the backup could not read or was told to leave out, and other file
  /// systems. Refused for a snapshot that does not know all that it lacks: a partial one, one with
  /// too many problems, or with more exclusions than it records.
  bool delete_extra = false;
  bool delete_excluded = false;  ///< deletes what the backup was told to leave out, too
  bool dry_run = false;          ///< reads, compares and tells; writes nothing
  bool numeric_ids = false;      ///< owners by number only; else names that exist here decide
  bool no_owner = false;         ///< owners are not restored at all
  /// Which extended attributes are restored, by name. Called from several threads. Empty: all.
  std::function<bool(std::string_view name)> selects_xattr;
  /// Further objects that must neither be removed nor overwritten: key files, for one.
  std::vector<std::string> protects;
  /// Which objects to restore, by their absolute path in the snapshot; a folder that it refuses is
  /// left out with all that is in it. Called from several threads. Empty: all. If nothing of the
  /// snapshot is selected that is an error, and nothing is made.
  std::function<bool(std::string_view path, bool is_folder)> selects;
  /// True of a folder that is selected only for what may be in it: it is made when something is,
  /// and one that is there keeps its metadata. Empty: none.
  std::function<bool(std::string_view path)> is_only_passed;
  unsigned workers = 0;  ///< 0: one per processor
  std::stop_token stop;
};

/// How many objects were dealt with in which way.
struct RestoreChanges {
  std::array<std::uint64_t, kRestoreActionCount> counts{};

  [[nodiscard]] std::uint64_t count(RestoreAction action) const {
    return counts.at(static_cast<std::size_t>(action));
  }
};

struct RestoreReport {
  TreeCounts restored;              ///< what stands in the target now as the snapshot has it
  TreeCounts unchanged;             ///< those of them that stood there before, in all but metadata
  std::uint64_t failed = 0;         ///< objects that could not be restored; each is a problem too
  RestoreChanges changes;           ///< of the target's objects
  std::uint64_t bytes_read = 0;     ///< from the repository, as stored
  std::uint64_t bytes_written = 0;  ///< into the target; dry run: that would be, at most
  std::uint64_t bytes_kept = 0;     ///< contents that were found right in the target
  // What the snapshot does not have and --delete has left all the same.
  std::uint64_t spared_in_use = 0;    ///< the repository, the cache, a key
  std::uint64_t spared_unread = 0;    ///< what the backup could not read
  std::uint64_t spared_left_out = 0;  ///< what the backup was told to leave out
  std::uint64_t spared_mounted = 0;   ///< contents of other file systems
  // What only the superuser, or another file system, could have restored.
  std::uint64_t skipped_owner = 0;       ///< owners
  std::uint64_t skipped_special = 0;     ///< devices; each is a problem too
  std::uint64_t skipped_attributes = 0;  ///< trusted.* and security.*
  std::uint64_t skipped_flags = 0;       ///< inode flags
  std::uint64_t skipped_set_id = 0;      ///< set-user-id, set-group-id: not without their owner
  std::vector<Problem> skipped;          ///< the first kProblemsMax of those five, named
  bool as_superuser = false;             ///< nothing should have been skipped
  std::uint64_t problem_count = 0;
  std::vector<Problem> problems;  ///< the first kProblemsMax; each file named
};

/// Restores a snapshot, a folder or a file.
///
/// What is promised, whatever happens meanwhile: the repository cannot make it write outside the
/// target, nor through a symbolic link in it. All bytes are verified before they get into a file
/// of the target. What cannot be restored (damage) is reported, what was there stays as it was, and
/// the rest goes on.
///
/// A file gets its name when it is whole: it is built under a temporary name, from a reflink of the
/// file that it replaces where the file system has them, else from a copy. One exception: a file
/// of more than kRewrittenBytesMax with one name only, on a file system without reflinks, is
/// changed in place. The chunks that differ are gathered next to it first; only when all are
/// verified they are copied over, so that only a crash in this last step can leave a mixture,
/// which the next restore of the same snapshot puts right. docs/design/0005-restore-in-place.md
///
/// Resuming: the same restore again, with `overwrite`, fetches only what is not there yet; parts of
/// files under temporary names (".cairn-restore-*") are found and used.
///
/// Two restores into one target at the same time are refused. Memory: docs/ARCHITECTURE.md.
///
/// Errors: not_found, invalid_argument (target not empty), not_permitted, busy (another restore
/// writes there), no_space, io (of the target), interrupted; not_found also if nothing is selected.
/// Damage of single files is no error but
/// a problem in the report.
[[nodiscard]] core::Result<RestoreReport> restore(Repository& repository, const Snapshot& snapshot,
                                                  const RestoreOptions& options,
                                                  Observer& observer);

/// Files up to this size are always replaced as a whole.
inline constexpr std::uint64_t kRewrittenBytesMax = std::uint64_t{1024} * 1024;

/// The objects that a restore with these options meets and may change: at most one for each
/// source, absolute, without symbolic links in them. Empty: it meets nothing. Errors: as restore().
[[nodiscard]] core::Result<std::vector<std::string>> paths_to_overwrite(
    Repository& repository, const Snapshot& snapshot, const RestoreOptions& options,
    Observer& observer);

/// A file that a process has open for writing.
struct OpenFile {
  std::string path;
  std::uint32_t process = 0;
  std::string program;
};
inline constexpr std::size_t kOpenFilesTold = 100;  ///< about so many are looked for
/// The files at or below these paths (absolute, without links) that other processes have open for
/// writing, as far as this user may know. `proc`: where that file system is mounted.
[[nodiscard]] std::vector<OpenFile> files_open_for_writing(const std::vector<std::string>& paths,
                                                           const std::string& proc = "/proc");

inline constexpr std::string_view kRestorePointTag = "restore-point";

struct RestorePointOptions {
  std::vector<std::string> paths;  ///< of paths_to_overwrite()
  std::string description;
  std::string program_version;
  std::stop_token stop;
  std::string host = {};  ///< what to record; empty: the environment's
};
/// Makes a snapshot (type restore_point, tagged) of what a restore is about to change, so that it
/// can be undone. Errors: not_permitted (the key's role may not add snapshots), io if something
/// could not be read (the snapshot exists then, but does not hold it), those of backup().
[[nodiscard]] core::Result<BackupReport> make_restore_point(Repository& repository,
                                                            const RestorePointOptions& options,
                                                            Observer& observer);

}  // namespace cairn::repo
