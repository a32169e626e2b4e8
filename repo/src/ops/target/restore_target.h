#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/restore.h"
#include "ops/target/open_beneath.h"
#include "ops/target/restore_log.h"
#include "ops/target/restore_metadata.h"
#include "ops/target/restore_policy.h"
#include "ops/target/restore_spared.h"

/// The side of a restore that touches the target: folders, names, temporary names, metadata.
///
/// Everything is done relative to a descriptor of its folder, never through a symbolic link; names
/// were checked when they were decoded. A hostile snapshot, or somebody who swaps folders for links
/// meanwhile, cannot lead it out of the target.
namespace cairn::repo::ops {

/// A folder of the target that still has work in it. Its metadata is set when the last of that
/// work is done, since every name made in a folder moves its time.
struct TargetFolder {
  std::shared_ptr<TargetFolder> parent;  ///< nullptr: the target itself
  std::string name;
  std::string path;                ///< for messages
  std::string snapshot_path;       ///< absolute, in the snapshot
  std::optional<Entry> entry;      ///< metadata to set at the end; nullopt: none, or none to be set
  bool existed = false;            ///< was there before this restore
  bool is_missing = false;         ///< dry run: would have been made
  bool is_recorded_empty = false;  ///< the snapshot has nothing in it
  std::vector<std::string> sides;  ///< names that a database's files may have, if it existed
  std::vector<std::string> extras;  ///< names that the snapshot does not have: removed at the end
  unsigned lifted_flags = 0;        ///< taken away to be able to write: put back at the end
  std::atomic<std::uint64_t> pending{1};  ///< files and folders in it, and the walk
  std::once_flag new_files_seen;          ///< of a new folder: the first file is in it
  NewFileTraits new_files;                ///< valid once that is so
};

/// How files are made that have no name until they are complete (O_TMPFILE).
enum class UnnamedFiles : std::uint8_t {
  best,      ///< named by their descriptors, which not everybody may; else
  by_proc,   ///< by way of /proc; else
  are_named  ///< not at all: under a temporary name
};

struct TargetOptions {
  std::string path;
  Overwrite overwrite = Overwrite::refuse;
  bool delete_extra = false;
  bool dry_run = false;
  MetadataOptions metadata = {};
  std::function<bool(std::string_view path, bool is_folder)> selects;
  ProtectedObjects protects = {};
  UnreadPaths unread = {};
  std::vector<Choice> left_out = {};
  std::function<bool(std::string_view path)> is_only_passed = {};
  std::stop_token stop;
  BeneathOpener::Way opening = BeneathOpener::Way::best;
  UnnamedFiles unnamed = UnnamedFiles::best;
};

/// Names of files that are being built. No snapshot is likely to hold such names.
inline constexpr std::string_view kTemporaryPrefix = ".cairn-restore-";

/// Writes into one target folder. Thread-safe. Keeps at most kOpenFoldersMax folders open.
class RestoreTarget {
 public:
  /// Makes the target if it is missing. Errors: invalid_argument if it is not empty and may not be
  /// overwritten, busy if another restore writes into it, io.
  [[nodiscard]] static core::Result<std::unique_ptr<RestoreTarget>> open(
      const TargetOptions& options, RestoreLog& log);

  [[nodiscard]] const std::shared_ptr<TargetFolder>& root() const noexcept { return root_; }
  [[nodiscard]] const TargetOptions& options() const noexcept { return options_; }
  [[nodiscard]] RestoreLog& log() noexcept { return log_; }
  [[nodiscard]] MetadataWriter& metadata() noexcept { return metadata_; }
  /// True if the object is to be restored: `path` is that in the snapshot.
  [[nodiscard]] bool selects(std::string_view path, bool is_folder) const {
    return !options_.selects || options_.selects(path, is_folder);
  }

  /// What the options say to do about an object in whose place something stands. Tells it if that
  /// is something that must be kept in any case.
  [[nodiscard]] Verdict judge(const Standing& standing, const Entry& entry,
                              const std::string& path);

  [[nodiscard]] bool is_only_passed(std::string_view path) const {
    return options_.is_only_passed && options_.is_only_passed(path);
  }

  /// What stands beside a file of this name and would be taken for a part of it if it were a
  /// database. Call from the thread that walks only.
  [[nodiscard]] std::vector<std::string> sides_of(TargetFolder& folder, const std::string& name);
  /// True if one of these files is a log that a database has not done with.
  [[nodiscard]] bool have_log(const TargetFolder& folder, const std::vector<std::string>& names);
  /// Gives a file a temporary name, or its own back.
  core::Status set_aside(const TargetFolder& folder, const std::string& name,
                         const std::string& temporary_name);

  /// What has the name in the folder. Costs nothing in folders that this restore has made.
  [[nodiscard]] core::Result<Standing> look(const TargetFolder& folder, const std::string& name);
  /// All names in the folder, ascending as bytes; none if it is new.
  [[nodiscard]] core::Result<std::vector<std::string>> names_in(const TargetFolder& folder);

  /// The target itself stands for a recorded folder: it gets that one's metadata.
  void describe_root(Entry entry, std::string snapshot_path);
  /// Makes (or takes over) a folder with one pending piece of work: the caller's. nullptr:
  /// something else has the name and is kept.
  [[nodiscard]] core::Result<std::shared_ptr<TargetFolder>> make_folder(
      const std::shared_ptr<TargetFolder>& parent, std::string name, std::optional<Entry> entry,
      std::string snapshot_path);
  /// One piece of a folder's work is done. The last one removes what the snapshot does not have and
  /// sets its metadata, and so on upwards.
  void release(std::shared_ptr<TargetFolder> folder);

  /// Symlinks, devices, FIFOs, sockets: made with their metadata in one go.
  core::Status make_special(const TargetFolder& folder, const Entry& entry);
  /// Another name of the object whose first name is `first` below `root_folder`.
  core::Status make_hard_link(const TargetFolder& root_folder, const std::string& first,
                              const TargetFolder& folder, const Entry& entry);
  /// True if `first` below `root_folder` is something else than the entry, and will be kept.
  [[nodiscard]] bool keeps_another(const TargetFolder& root_folder, const std::string& first,
                                   const Entry& entry);

  /// Opens a file of the folder by its name; never a link, a FIFO does not block.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> open_file(const TargetFolder& folder,
                                                                    const std::string& name,
                                                                    int flags);
  /// A new empty file for nobody else, with the flags that count only before data is in it.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> create_file(TargetFolder& folder,
                                                                      const std::string& name,
                                                                      const Entry& entry);
  /// The same without any name yet: if it gets none, it is gone with its last descriptor. nullptr:
  /// the file system cannot do that.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> create_unnamed(TargetFolder& folder,
                                                                         const Entry& entry);
  /// Gives a file a name that has none. Errors: already_exists, whatever the options say.
  core::Status link_unnamed(const TargetFolder& folder, int file, const std::string& name);
  /// Renames, replacing what has the name if the options allow it.
  core::Status give_name(const TargetFolder& folder, const std::string& temporary_name,
                         const std::string& name);
  void discard(const TargetFolder& folder, const std::string& temporary_name);

  /// False once a reflink was refused as such.
  [[nodiscard]] bool may_have_reflinks() const noexcept { return may_have_reflinks_; }
  void has_no_reflinks() noexcept { may_have_reflinks_ = false; }

  static constexpr std::size_t kOpenFoldersMax = 256;
  /// Levels that are opened in one step and not kept.
  static constexpr std::size_t kFarLevels = 32;

 private:
  RestoreTarget(const TargetOptions& options, RestoreLog& log);
  core::Status open_root();
  struct OpenFolder {
    const TargetFolder* folder = nullptr;
    std::shared_ptr<Descriptor> descriptor;
  };
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> descriptor_of(const TargetFolder& folder);
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> reopen(const TargetFolder& folder);
  [[nodiscard]] std::string below_target(const TargetFolder& folder) const;
  void remember(const TargetFolder& folder, std::shared_ptr<Descriptor> descriptor);
  void forget(const TargetFolder& folder);

  void prepare_new_file(TargetFolder& folder, int file, const Entry& entry);
  core::Status enter_folder(TargetFolder& folder, const Standing& standing);
  void finish_folder(const TargetFolder& folder);
  core::Status set_folder_metadata(const TargetFolder& folder);
  core::Status make_node(int folder, const std::string& name, const Entry& entry,
                         const std::string& path);
  [[nodiscard]] bool is_same_special(int folder, const struct ::stat& standing, const Entry& entry);
  struct LinkSource {
    std::shared_ptr<Descriptor> folder;
    std::string name;
  };
  core::Status link_as(const LinkSource& from, const TargetFolder& folder, const std::string& name,
                       bool is_new);

  /// Makes the name free for what cannot simply be renamed over it.
  core::Status make_way(int folder, const TargetFolder& in, const std::string& name);
  /// unlinkat() that takes hindering flags away if it must.
  core::Status unlink_name(int folder, const std::string& name, const std::string& path);
  /// What is being removed: its path for messages, and in the snapshot.
  struct Doomed {
    std::string name;
    std::string path;
    std::string snapshot_path;
  };
  /// True if something that the snapshot does not have stays, and why is told.
  [[nodiscard]] bool is_spared(int folder, const struct ::stat& status, const Doomed& doomed);
  [[nodiscard]] bool is_left_out(int folder, const Doomed& doomed) const;
  /// True if the backup would have left out what is in the folder, for a tag among these names.
  [[nodiscard]] bool carries_tag(int folder, const std::vector<std::string>& names) const;
  [[nodiscard]] bool is_other_file_system(const TargetFolder& folder, int descriptor);
  void remove_extras(const TargetFolder& folder);
  /// True if nothing is left of it.
  core::Result<bool> remove_tree(int folder, const Doomed& doomed, unsigned depth);
  core::Result<bool> remove_children(int folder, const Doomed& doomed, unsigned depth);

  TargetOptions options_;
  RestoreLog& log_;
  MetadataWriter metadata_;
  BeneathOpener opener_;
  std::shared_ptr<TargetFolder> root_;
  std::shared_ptr<Descriptor> root_descriptor_;
  std::atomic<bool> may_have_reflinks_{true};
  std::atomic<bool> may_have_unnamed_;
  std::atomic<bool> links_descriptors_;
  std::atomic<std::uint64_t> next_temporary_{0};
  std::mutex mutex_;            ///< open_
  std::list<OpenFolder> open_;  ///< most recently used first
  std::unordered_map<const TargetFolder*, std::list<OpenFolder>::iterator> by_folder_;
};

}  // namespace cairn::repo::ops
