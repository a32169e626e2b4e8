#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/restore_target.h"

/// One file on its way into the target.
namespace cairn::repo::ops {

/// What is known of a file before anything is done about it.
struct FilePlan {
  Standing standing;            ///< a regular file of that name, which will be replaced or changed
  bool replaces_other = false;  ///< something that is no regular file has the name
  bool metadata_only = false;   ///< its contents are taken to be right
  bool has_leftover = false;    ///< an earlier restore left it half built under `temporary_name`
  bool has_leftover_patch = false;  ///< the same under `patch_name`
  bool has_other_leftover = false;  ///< something useless stands under `temporary_name`: it goes
  /// What stands beside the file and would be taken for its own if it is a database: that goes when
  /// the file comes.
  std::vector<std::string> stale_sides = {};
};

/// Temporary names follow from name and content, so that the same restore finds them again.
[[nodiscard]] std::string temporary_name(const Entry& entry);
[[nodiscard]] std::string patch_name(const Entry& entry);
/// Looks at what is there. nullopt: the options say to keep it. Errors: already_exists, io.
[[nodiscard]] core::Result<std::optional<FilePlan>> plan_file(RestoreTarget& target,
                                                              const TargetFolder& folder,
                                                              const Entry& entry);

/// How many files are open, shared by all of a restore.
struct OpenFiles {
  static constexpr std::size_t kMax = 256;
  std::atomic<std::size_t> count{0};
};

/// A file that is compared with what is there, built, and given its name. Where it is built:
/// without a name if all of it is written at once and the file system can do that, under a
/// temporary name (from nothing, a clone or a copy of the standing file) or, for large files where
/// there are no reflinks, as a patch: a sparse file with just what differs, which is copied over
/// the standing file at the end. Thread-safe.
class RestoredFile {
 public:
  RestoredFile(RestoreTarget& target, std::shared_ptr<TargetFolder> folder, Entry entry,
               FilePlan plan, OpenFiles& open_files);
  /// Removes the temporary file unless the file was completed, or the restore was interrupted and
  /// much of it is done.
  ~RestoredFile();
  RestoredFile(const RestoredFile&) = delete;
  RestoredFile& operator=(const RestoredFile&) = delete;

  [[nodiscard]] const Entry& entry() const noexcept { return entry_; }
  [[nodiscard]] const FilePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] const std::shared_ptr<TargetFolder>& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string path() const;
  /// True if some of its bytes may be there already.
  [[nodiscard]] bool is_compared() const noexcept {
    return plan_.has_leftover || (plan_.standing && !plan_.metadata_only);
  }

  /// Pieces of work not yet done; begins at 1, for the planning.
  std::atomic<std::uint64_t> outstanding{1};

  /// The standing file does not hold all that it should.
  void set_differs() noexcept { differs_ = true; }

  /// Opens the standing file, if it still is the one that was planned with.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> open_standing(int flags);
  /// Opens what an earlier restore left.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> open_leftover();
  /// Writes into the file that is built. Does nothing if the file has failed.
  core::Status write(std::uint64_t offset, core::ByteView data);
  core::Status make_hole(std::uint64_t offset, std::uint64_t length);
  /// The patch of an earlier restore holds this range: nothing need be written.
  core::Status adopt_from_patch(std::uint64_t offset, std::uint64_t length);

  void fail(const std::string& reason);
  /// All its work is done: gives it metadata and name. Errors: why it could not be restored.
  core::Status complete();

 private:
  enum class Way { undecided, whole, patch };
  struct Run {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool is_hole = false;
  };
  static constexpr std::uint64_t kResumedMin = std::uint64_t{16} * 1024 * 1024;

  /// `in_one_go`: nothing will be written later than what is written now.
  core::Status open_building(bool in_one_go);
  core::Status begin_building(bool in_one_go);
  core::Status begin_with_standing();
  [[nodiscard]] bool may_have_holes() const;
  core::Status open_patch();
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> begin_run(const Run& run);
  void add_run(const Run& run);
  void close_building();
  core::Status complete_unchanged();
  core::Status give_name();
  /// Takes what is stale beside a database out of the way before it gets its place. `standing`: the
  /// file that has it now, or -1.
  core::Status set_sides_aside(int restored, int standing);
  /// For good, or, if the database could not be put into its place, back.
  void settle_sides(bool is_done);
  core::Status complete_by_way();
  core::Status complete_whole();
  core::Status complete_patch();
  core::Status apply_patch(int standing);

  RestoreTarget& target_;
  std::shared_ptr<TargetFolder> folder_;
  Entry entry_;
  FilePlan plan_;
  OpenFiles& open_files_;
  std::atomic<bool> differs_{false};

  std::mutex mutex_;  ///< what follows
  Way way_ = Way::undecided;
  std::string building_name_;  ///< empty: nothing is being built, or it has no name yet
  bool is_unnamed_ = false;    ///< began without a name, and lasts while it is open
  std::shared_ptr<Descriptor> building_;
  std::vector<Run> runs_;  ///< of a patch
  std::optional<std::string> failure_;
  bool keeps_temporary_ = false;
  std::vector<std::pair<std::string, std::string>> sides_aside_;  ///< name, temporary name
};

}  // namespace cairn::repo::ops
