#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
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

/// Reading a live tree: a walk in a fixed order, and files that may change while they are read.
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

/// Tells whether two looks saw the same object. Inode numbers alone do not: file systems reuse
/// those of removed files, and some invent new ones at each look.
struct ObjectMark {
  InodeId inode;
  std::optional<core::Timestamp> birth_time;
  EntryType type = EntryType::file;
  // Compared only if there are no birth times.
  core::Timestamp mtime;
  std::uint64_t size_bytes = 0;

  [[nodiscard]] bool is_same(const ObjectMark& other) const noexcept;
};

/// What is to be done with an object. The walk decides this from what it sees and what the stat
/// cache has recorded, and the later stages follow it. Only the decision to read can come later:
/// when another object turns out to have the name.
enum class Fate : std::uint8_t {
  is_new,         ///< read: nothing is recorded under this name
  read_again,     ///< something is recorded under this name, but it may be another object now
  sample,         ///< it is as recorded, but was picked to be read anyway
  as_recorded,    ///< not read: its record is used
  link_to_first,  ///< a further name of an object that came before: only its attributes are read
};

struct DatabaseLogs;

/// An object that the walk has found.
struct WalkItem {
  /// Everything but content and folder. Regular files still lack xattrs and inode flags, which are
  /// read with the file, from the same descriptor.
  Entry entry;
  std::optional<core::Timestamp> birth_time;
  core::Timestamp ctime;
  InodeId inode;
  std::uint32_t link_count = 1;
  std::string path;                      ///< absolute, raw bytes
  std::uint64_t size_bytes = 0;          ///< files: as of the stat
  std::shared_ptr<SourceFolder> folder;  ///< that holds the object; open it by (folder, name)
  std::string file_name;  ///< name in `folder`; equals entry.name except for a source's root

  Stamp stamp = kNoStamp;  ///< to be recorded
  Fate fate = Fate::is_new;
  std::optional<std::uint32_t>
      recorded_index;  ///< of the child of this name in the folder's record

  /// The database logs beside a file, if there are any. They are read together with the file,
  /// because all must be of the same moment.
  std::shared_ptr<DatabaseLogs> logs = {};

  /// The last backup recorded something under this name.
  [[nodiscard]] bool is_known() const noexcept {
    return recorded_index || (fate != Fate::is_new && fate != Fate::link_to_first);
  }
  /// What is known is about an object that no longer has the name, or does not have it alone: read
  /// whatever has it, now and in the next backup.
  void must_be_read() noexcept {
    stamp = kNoStamp;
    fate = is_known() ? Fate::read_again : Fate::is_new;
  }
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

/// Any object that is no folder.
struct MetObject {
  WalkItem item;
  bool is_log = false;  ///< it is one of `item.logs`, and was read with the step before
  std::shared_ptr<ByteSource> bytes = {};  ///< of what is no file of a file system
  /// A source that is no folder: its own record, if there is one.
  std::shared_ptr<const RecalledFolder> record = {};

  /// The log of a database that is as recorded may have changed, or change before it is read.
  [[nodiscard]] bool is_to_be_read() const noexcept {
    return item.entry.type == EntryType::file &&
           (item.logs ? !is_log : item.fate != Fate::as_recorded);
  }
};

/// A run of children of the record, none of them a folder, that are still as recorded.
struct UnchangedRun {
  std::uint32_t first = 0;                                  ///< of the record's children
  std::vector<std::optional<core::Timestamp>> birth_times;  ///< of each of them
};

/// Its children follow, names ascending as bytes.
struct EnteredFolder {
  WalkItem item;
  std::shared_ptr<const RecalledFolder> record = {};
  bool is_bare = false;  ///< it was listed, and is empty
};

/// The walk leaves the folder that it entered last.
struct LeftFolder {
  bool is_early = false;             ///< not all children were looked for
  std::vector<std::string> refused;  ///< children that exist but could not be looked at
};

using WalkStep = std::variant<MetObject, UnchangedRun, EnteredFolder, LeftFolder>;

/// The object that a step is about; nullptr: none.
template <class Step>
[[nodiscard]] auto* item_of(Step& step) noexcept {
  if (auto* const object = std::get_if<MetObject>(&step)) {
    return &object->item;
  }
  auto* const folder = std::get_if<EnteredFolder>(&step);
  return folder != nullptr ? &folder->item : nullptr;
}

[[nodiscard]] ObjectMark mark_of(const WalkItem& item) noexcept;

/// What a walk compares the source with, and what it leaves out.
struct WalkOptions {
  const Choice* choice = nullptr;  ///< nullptr: everything
  /// Paths that were named themselves, in the order of bytes; see leads_to_named(). May be nullptr.
  const std::vector<std::string>* named = nullptr;
  /// Folders that no backup takes: those of the repository itself and of the cache.
  std::vector<InodeId> own_folders = {};
  /// Called for each of them that was skipped; `is_new`: in a folder that no backup has seen
  /// before. May be empty.
  std::function<void(const std::string& path, bool is_new)> on_own_folder = {};
  const StatCache* cache = nullptr;  ///< nullptr: every object is new
  core::ByteView
      stamp_key;  ///< 16 bytes, secret, so that nobody can make two objects' stamps equal
  StampIgnores ignores = {};
  core::Clock* clock = nullptr;  ///< needed with a cache
  bool read_everything = false;  ///< nothing counts as unchanged
  /// How many of 2^32 unchanged files are to be read again, chosen by `sample_seed`.
  std::uint64_t samples_in_2_32 = 0;
  std::uint64_t sample_seed = 0;
  bool finds_links = false;  ///< reports further names; costs memory for each
  /// Threads that may look ahead when the disk keeps the walk waiting:
  /// ops/source/folder_lookahead.h.
  unsigned lookahead_threads = 0;  ///< they need a clock and a source of threads
  const core::Threads* threads = nullptr;
  bool lookahead_at_once = false;  ///< they start at once and never pause
  std::string recorded_as = {};    ///< path for items and problems; empty: where it is read
  /// Called with the paths that the last backup recorded and that are gone. May be empty.
  std::function<void(const std::string& path)> on_removed;
};

/// Walks one source depth first. Not thread-safe. Memory: the sorted names of the folders on the
/// current path (a folder of a million names: about 40 MB), and objects with several names.
class SourceWalk {
 public:
  /// Stats the source itself. Errors: not_found, permission_denied, io. `path` is absolute.
  [[nodiscard]] static core::Result<std::unique_ptr<SourceWalk>> open(std::string path,
                                                                      ProblemSink& problems,
                                                                      WalkOptions options = {});
  virtual ~SourceWalk() = default;

  /// The next step; nullopt after the last. The first is the source itself, with an empty
  /// entry.name. What cannot be read is reported to the sink and left out; a folder that cannot be
  /// listed is entered and left without children. An error here ends the walk (io of the system).
  [[nodiscard]] virtual core::Result<std::optional<WalkStep>> next() = 0;

  /// From now on only steps that leave the entered folders follow: the source ends early.
  virtual void end_early() = 0;
};

/// One regular file being read.
class SourceFile final : public ByteSource {
 public:
  /// Opens the file that has the name now, which need not be the one that the walk saw: careful
  /// programs replace their files by rename. Errors: not_found (vanished), changed (the name now
  /// belongs to something that is no file), permission_denied, io.
  [[nodiscard]] static core::Result<SourceFile> open(const WalkItem& item);

  /// True if it is the object that the item describes.
  [[nodiscard]] bool is(const WalkItem& item) const noexcept;
  /// Makes the item describe this file: all but name, path, and what read_metadata() fills in.
  void describe(WalkItem& item) const;

  /// Size by the latest stat of the open file.
  [[nodiscard]] std::uint64_t size_bytes() const noexcept override { return stamp_.size_bytes; }
  [[nodiscard]] core::Timestamp ctime() const noexcept { return stamp_.ctime; }
  /// True on the kernel's own file systems (/proc, /sys), whose sizes are not real.
  [[nodiscard]] bool has_made_up_size() const;
  /// Refreshes mode, owner numbers and mtime of `entry` from the open file and fills in its xattrs
  /// and inode flags. Problems (an unreadable attribute) go to `problems`.
  core::Status read_metadata(Entry& entry, const std::string& path, std::vector<Problem>& problems);

  /// Files without holes return one extent without a system call. Files of /proc, and of some file
  /// systems in user space, claim to be empty whatever they hold: reading decides.
  [[nodiscard]] core::Result<std::optional<Extent>> next_extent(std::uint64_t offset) override;

  /// Offsets grow from call to call, except after restart(). Pages that reading brings into the
  /// page cache do not stay there.
  [[nodiscard]] core::Result<std::size_t> read_at(std::uint64_t offset,
                                                  core::MutableByteView out) override;

  /// How size, mtime and ctime have changed since open() or the last restart().
  enum class Drift : std::uint8_t { none, grown, changed };
  [[nodiscard]] core::Result<Drift> drift() const;
  [[nodiscard]] core::Result<bool> has_changed() override;
  /// Takes the present state as the new reference, to read the file again from its start.
  core::Status restart();

 private:
  SourceFile(core::Descriptor file, const struct ::statx& status);
  void take(const struct ::statx& status);

  /// The open file as of the last relevant stat.
  struct Stamp {
    std::uint64_t size_bytes = 0;
    core::Timestamp mtime;
    core::Timestamp ctime;
    bool may_have_holes = false;  ///< fewer bytes are allocated than its size
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
  BorrowedPages pages_;  ///< must be destroyed before the file is closed
};

}  // namespace cairn::repo::ops
