#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/descriptor.h"
#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "ops/incremental/stat_cache.h"
#include "ops/posix/borrowed_pages.h"
#include "ops/posix/inode_id.h"
#include "ops/progress/problem_list.h"
#include "ops/source/byte_source.h"

struct statx;

/// Reading a live tree: a walk in a fixed order, and files that may change under our hands.
///
/// Everything is opened relative to a descriptor of its folder and never through a symbolic link,
/// so that no race can lead out of the source. Names are bytes.
namespace cairn::repo::ops {

/// An open folder of the source, shared by the objects in it until the last one has been read.
class SourceFolder {
 public:
  explicit SourceFolder(int descriptor) noexcept : descriptor_(descriptor) {}
  ~SourceFolder();
  SourceFolder(const SourceFolder&) = delete;
  SourceFolder& operator=(const SourceFolder&) = delete;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// Tells whether two looks saw one object. Numbers alone do not: a file system gives those of
/// removed files away again, and some make up new ones at each look.
struct ObjectMark {
  InodeId inode;
  std::optional<core::Timestamp> birth_time;
  EntryType type = EntryType::file;
  // Asked only where there are no birth times.
  core::Timestamp mtime;
  std::uint64_t size_bytes = 0;

  [[nodiscard]] bool is_same(const ObjectMark& other) const noexcept;
};

enum class WalkStep : std::uint8_t {
  object,        ///< anything that is no folder
  unchanged,     ///< a run of children that are no folders, as they were at the last backup
  enter_folder,  ///< its children follow, names ascending as bytes
  leave_folder,  ///< no entry: the folder entered last that has not been left
};

struct DatabaseLogs;

/// One step of the walk.
struct WalkItem {
  WalkStep step = WalkStep::object;
  /// Everything but content and folder. Regular files lack xattrs and inode flags still: those
  /// are read with the file, from the same descriptor.
  Entry entry;
  std::optional<core::Timestamp> birth_time;
  core::Timestamp ctime;
  InodeId inode;
  std::uint32_t link_count = 1;
  std::string path;                      ///< absolute, raw bytes
  std::uint64_t size_bytes = 0;          ///< files: as of the stat
  std::shared_ptr<SourceFolder> folder;  ///< that holds the object; open it by (folder, name)
  std::string file_name;  ///< name in `folder`; equals entry.name but for a source's root

  // What the stat cache says; all of it empty without one.
  Stamp stamp = kNoStamp;
  bool known = false;                        ///< the last backup recorded something of this name
  std::optional<std::uint32_t> known_index;  ///< and this child of the folder's record is it
  /// The child of the folder's record that the object equals. An object is told in spite of that if
  /// it has several names, or was picked to be read again.
  std::optional<std::uint32_t> seen_index;
  bool sampled = false;                        ///< picked to be read again
  std::shared_ptr<const RecalledFolder> seen;  ///< enter_folder: its record. A lone source: its own
  /// unchanged: of each of the run's children; the first is child `seen_index` of the record.
  std::vector<std::optional<core::Timestamp>> birth_times;

  /// Of a file beside which the logs of a database stand: those. Whoever reads the file reads them
  /// as well, because they have to be of one moment.
  std::shared_ptr<DatabaseLogs> logs = {};
  bool is_bare = false;  ///< enter_folder: it was listed, and there was nothing in it
  bool is_log = false;   ///< it is one of `logs`, and has been read when the step before it was

  // leave_folder:
  bool left_early = false;                ///< not all of the folder's children were looked for
  std::vector<std::string> refused = {};  ///< those that are there but could not be looked at
};

/// The -journal and the -wal of a file, which may be an SQLite database.
struct DatabaseLogs {
  struct Log {
    WalkItem item;
    std::vector<Problem> problems = {};
    std::optional<core::Error> error = {};  ///< it is left out
  };
  std::vector<Log> logs;
  std::vector<std::string> left_out;  ///< names that the choice leaves out
};

[[nodiscard]] ObjectMark mark_of(const WalkItem& item) noexcept;

/// What a walk compares the source with, and what it leaves out.
struct WalkOptions {
  const Choice* choice = nullptr;  ///< nullptr: everything
  /// Paths that were named themselves, in the order of bytes; see leads_to_named(). May be nullptr.
  const std::vector<std::string>* named = nullptr;
  /// Folders that no backup takes: where the repository itself lies, and the cache.
  std::vector<InodeId> own_folders = {};
  /// Told which of them were passed over; `is_new`: in a folder that no backup has seen before. May
  /// be empty.
  std::function<void(const std::string& path, bool is_new)> on_own_folder = {};
  const StatCache* cache = nullptr;  ///< nullptr: every object is told
  core::ByteView stamp_key;  ///< 16 bytes, secret: nobody can make two objects' stamps equal
  StampIgnores ignores = {};
  core::Clock* clock = nullptr;  ///< needed with a cache
  bool read_everything = false;  ///< nothing counts as unchanged
  /// Of how many unchanged files out of 2^32 are told to be read again, chosen by `sample_seed`.
  std::uint64_t samples_in_2_32 = 0;
  std::uint64_t sample_seed = 0;
  /// Threads that may look ahead once the disk keeps the walk waiting:
  /// ops/source/folder_lookahead.h.
  unsigned lookahead_threads = 0;  ///< need a clock, and where they come from
  const core::Threads* threads = nullptr;
  bool lookahead_at_once = false;  ///< they start at once and never pause
  std::string recorded_as = {};    ///< path that items and problems show; empty: where it is read
  /// Told the paths that the last backup recorded and that are gone. May be empty.
  std::function<void(const std::string& path)> on_removed;
};

/// Walks one source depth first. Not thread-safe. Memory: the sorted names of the folders on the
/// current path (a folder of a million names: some 40 MB), nothing else.
class SourceWalk {
 public:
  /// Stats the source itself. Errors: not_found, permission_denied, io. `path` is absolute.
  [[nodiscard]] static core::Result<std::unique_ptr<SourceWalk>> open(std::string path,
                                                                      ProblemSink& problems,
                                                                      WalkOptions options = {});
  virtual ~SourceWalk() = default;

  /// The next step; nullopt after the last. The first item is the source itself, with an empty
  /// entry.name. What cannot be read is reported to the sink and left out; a folder that cannot be
  /// listed is entered and left without children. An error here ends the walk (io of the system).
  [[nodiscard]] virtual core::Result<std::optional<WalkItem>> next() = 0;

  /// From now on nothing but the steps that leave the entered folders: the source ends early.
  virtual void end_early() = 0;
};

/// One regular file being read.
class SourceFile final : public ByteSource {
 public:
  /// Opens the file that has the name now, which need not be the one that the walk saw: careful
  /// programs replace their files by rename. Errors: not_found (vanished), changed (no file has the
  /// name now, but something else), permission_denied, io.
  [[nodiscard]] static core::Result<SourceFile> open(const WalkItem& item);

  /// True if it is the object that the item tells of.
  [[nodiscard]] bool is(const WalkItem& item) const noexcept;
  /// Makes the item tell of this file: all but name, path, and what read_metadata() fills.
  void describe(WalkItem& item) const;

  /// Size by the latest stat of the open file.
  [[nodiscard]] std::uint64_t size_bytes() const noexcept override { return stamp_.size_bytes; }
  [[nodiscard]] core::Timestamp ctime() const noexcept { return stamp_.ctime; }
  /// True on the kernel's own file systems (/proc, /sys), whose sizes are made up.
  [[nodiscard]] bool has_made_up_size() const;
  /// Refreshes mode, owner numbers, mtime of `entry` from the open file and fills its xattrs and
  /// inode flags. Problems (an unreadable attribute) go to `problems`.
  core::Status read_metadata(Entry& entry, const std::string& path, std::vector<Problem>& problems);

  /// Files without holes answer one extent without asking the system again. Those of /proc, and of
  /// some file systems in user space, say that they are empty whatever they hold: they are looked
  /// into.
  [[nodiscard]] core::Result<std::optional<Extent>> next_extent(std::uint64_t offset) override;

  /// Offsets grow from call to call, but for restart(); what is brought into the page cache does
  /// not stay there.
  [[nodiscard]] core::Result<std::size_t> read_at(std::uint64_t offset,
                                                  core::MutableByteView out) override;

  /// How size, mtime and ctime have moved since open() or the last restart().
  enum class Drift : std::uint8_t { none, grown, changed };
  [[nodiscard]] core::Result<Drift> drift() const;
  [[nodiscard]] core::Result<bool> has_changed() override;
  /// Takes the present state as the new reference, to read the file again from its start.
  core::Status restart();

 private:
  SourceFile(core::Descriptor file, const struct ::statx& status);
  void take(const struct ::statx& status);

  /// The open file as of the last stat that counts.
  struct Stamp {
    std::uint64_t size_bytes = 0;
    core::Timestamp mtime;
    core::Timestamp ctime;
    bool may_have_holes = false;  ///< fewer bytes are allocated than it is long
    InodeId inode;
    std::uint32_t link_count = 1;
    std::optional<core::Timestamp> birth_time;
    std::uint16_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
  };

  [[nodiscard]] core::Result<std::optional<Extent>> unannounced_extent();

  core::Descriptor file_;
  Stamp stamp_;
  BorrowedPages pages_;  ///< let go before the file is closed
};

}  // namespace cairn::repo::ops
