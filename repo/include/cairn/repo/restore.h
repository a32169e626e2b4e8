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
  always,      ///< each becomes what the snapshot says; all their bytes are read and compared
  if_changed,  ///< as always, but a file with the recorded size and time counts as unchanged
  if_newer,    ///< as always if the snapshot's time is the newer one; others are kept
  never,       ///< kept as they are; only what is missing is restored
};
[[nodiscard]] std::string_view to_string(Overwrite overwrite) noexcept;

struct RestoreOptions {
  /// What to restore. Empty: the whole snapshot, with its absolute paths recreated below the
  /// target. Otherwise an absolute path inside it: the contents of the folder, or the file, go into
  /// the target.
  std::string path;
  /// A folder, made if missing. When a single file is restored, it may also be an existing file,
  /// which is then replaced.
  std::string target;
  Overwrite overwrite = Overwrite::refuse;
  /// Removes what the snapshot does not have, but only from folders that are restored; also removes
  /// folders that are in the place of a file. It spares what `selects` leaves out and, with a
  /// report, what this restore needs itself (the repository, the cache, what `protects` names),
  /// what the backup could not read or was told to leave out, and other file systems. Refused for a
  /// snapshot that does not know everything that it lacks: a partial one, one with too many
  /// problems, or with more exclusions than it records.
  bool delete_extra = false;
  bool delete_excluded = false;  ///< also deletes what the backup was told to leave out
  bool dry_run = false;          ///< reads, compares and reports; writes nothing
  bool numeric_ids = false;      ///< owners by number only; otherwise by the names that exist here
  bool no_owner = false;         ///< owners are not restored at all
  /// Which extended attributes are restored, by name. Called from several threads. Empty: all.
  std::function<bool(std::string_view name)> selects_xattr;
  /// Further objects that must be neither removed nor overwritten, such as key files.
  std::vector<std::string> protects;
  /// Which objects to restore, by their absolute path in the snapshot; a folder that it rejects is
  /// left out with everything in it. Called from several threads. Empty: all. If it selects nothing
  /// in the snapshot that is an error, and nothing is made.
  std::function<bool(std::string_view path, bool is_folder)> selects;
  /// True for a folder that is selected only for what may be in it: it is made only if something in
  /// it is, and an existing one keeps its metadata. Empty: none.
  std::function<bool(std::string_view path)> is_only_passed;
  unsigned workers = 0;  ///< 0: one per processor
  std::stop_token stop;
};

/// How many objects were treated in which way.
struct RestoreChanges {
  std::array<std::uint64_t, kRestoreActionCount> counts{};

  [[nodiscard]] std::uint64_t count(RestoreAction action) const {
    return counts.at(static_cast<std::size_t>(action));
  }
};

struct RestoreReport {
  TreeCounts restored;              ///< what is in the target now as the snapshot has it
  TreeCounts unchanged;             ///< those that were there before, in all but metadata
  std::uint64_t failed = 0;         ///< objects that could not be restored; each is a problem too
  RestoreChanges changes;           ///< of the target's objects
  std::uint64_t bytes_read = 0;     ///< from the repository, as stored
  std::uint64_t bytes_written = 0;  ///< into the target; dry run: the most that would be
  std::uint64_t bytes_kept = 0;     ///< contents that were already right in the target
  // What the snapshot does not have but delete_extra spared.
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
  std::vector<Problem> skipped;          ///< the first kProblemsMax of those five kinds, by name
  bool as_superuser = false;             ///< then nothing should have been skipped
  std::uint64_t problem_count = 0;
  std::vector<Problem> problems;  ///< the first kProblemsMax; each file named
};

/// Restores a snapshot, a folder or a file.
///
/// Whatever happens meanwhile, the repository cannot make it write outside the target or through a
/// symbolic link in it. All bytes are verified before they get into a file of the target. What
/// cannot be restored (damage) is reported, existing files in its place stay as they were, and the
/// rest goes on.
///
/// A file gets its name when it is whole. It is built under a temporary name, from a reflink of the
/// file that it replaces if the file system has them, else from a copy. One exception: a file of
/// more than kRewrittenBytesMax with only one name, on a file system without reflinks, is changed
/// in place. The chunks that differ are gathered next to it first, and copied over only when all
/// are verified. So only a crash in this last step can leave a mixture, which the next restore of
/// the same snapshot puts right. docs/design/0005-restore-in-place.md
///
/// Resuming: repeating the restore with `overwrite` fetches only what is missing; it finds and uses
/// parts of files under temporary names (".cairn-restore-*").
///
/// Two restores into one target at the same time are refused. Memory: docs/ARCHITECTURE.md.
///
/// Errors: not_found (also if nothing is selected), invalid_argument (target not empty),
/// not_permitted, busy (another restore writes there), no_space, io (of the target), interrupted.
/// Damage of single files is no error but a problem in the report.
[[nodiscard]] core::Result<RestoreReport> restore(Repository& repository, const Snapshot& snapshot,
                                                  const RestoreOptions& options,
                                                  Observer& observer);

/// Files up to this size are always replaced as a whole.
inline constexpr std::uint64_t kRewrittenBytesMax = std::uint64_t{1024} * 1024;

/// The objects that a restore with these options finds and may change: at most one for each source,
/// absolute, without symbolic links in them. Empty: there are none. Errors: as restore().
[[nodiscard]] core::Result<std::vector<std::string>> paths_to_overwrite(
    Repository& repository, const Snapshot& snapshot, const RestoreOptions& options,
    Observer& observer);

/// A file that a process has open for writing.
struct OpenFile {
  std::string path;
  std::uint32_t process = 0;
  std::string program;
};
inline constexpr std::size_t kOpenFilesTold = 100;  ///< the search ends at about this many
/// The files at or below these paths (absolute, without links) that other processes have open for
/// writing, as far as this user can see. `proc`: where that file system is mounted.
[[nodiscard]] std::vector<OpenFile> files_open_for_writing(const std::vector<std::string>& paths,
                                                           const std::string& proc = "/proc");

inline constexpr std::string_view kRestorePointTag = "restore-point";

struct RestorePointOptions {
  std::vector<std::string> paths;  ///< from paths_to_overwrite()
  std::string description;
  std::string program_version;
  std::stop_token stop;
  std::string host = {};  ///< what to record; empty: the environment's
};
/// Makes a snapshot (type restore_point, tagged) of what a restore is about to change, so that it
/// can be undone. Errors: not_permitted (the key's role may not add snapshots), io if something
/// could not be read (then the snapshot exists without it), those of backup().
[[nodiscard]] core::Result<BackupReport> make_restore_point(Repository& repository,
                                                            const RestorePointOptions& options,
                                                            Observer& observer);

}  // namespace cairn::repo
