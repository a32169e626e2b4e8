#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/catalogue_view.h"
#include "ops/restore/restore_files.h"
#include "ops/target/restore_target.h"
#include "ops/tree/stored_tree_walk.h"

namespace cairn::repo::ops {

/// Walks what is to be restored and passes it to the target: folders are made on the way down,
/// files go to RestoreFiles, hard links wait for the files. On the way it finds what the target's
/// folders contain that the snapshot does not have. Memory: one open leaf per level of the tree,
/// what the hard links need, and, for --delete, the names of the target's folders on the current
/// path.
class RestoreWalk {
 public:
  RestoreWalk(CatalogueView view, const Snapshot& snapshot, RestoreTarget& target,
              RestoreFiles& files)
      : view_(view), snapshot_(snapshot), target_(target), files_(files) {}

  /// Where a selection begins: `folder` stands for the path `inside` below the source at
  /// `source_path`.
  struct Selection {
    std::shared_ptr<TargetFolder> folder;
    std::string source_path;
    std::string inside;
  };

  /// Restores one object under its name, or another one, into the folder, without its children.
  core::Status restore_object(const Selection& selection, Entry entry, std::string name = {});
  /// Restores everything below a recorded folder into selection.folder. Takes over one pending
  /// piece of that folder's work.
  core::Status restore_children(const Selection& selection, const FolderContent& content);
  /// This many objects at `path` are not restored: reports that, or ends the restore with this
  /// error.
  core::Status give_up(const std::string& path, std::uint64_t objects, core::Error error);
  /// To be called once, when all files have their final names.
  core::Status make_links();

 private:
  /// A folder that is being restored.
  struct Frame {
    std::shared_ptr<TargetFolder> folder;  ///< nullptr: not made yet
    std::optional<Entry> later = {};       ///< what it is made from once something is put into it
    bool is_blocked = false;  ///< it could not be made, or something is kept in its place
    std::vector<std::string> standing = {};  ///< names in the target's folder, if needed
    std::size_t next_standing = 0;
    bool is_empty = true;  ///< nothing was recorded, or nothing read so far
    bool is_whole = true;  ///< everything recorded could be read
  };
  using Walk = StoredTreeWalk<Frame>;  ///< paths below the source
  struct PendingLink {
    std::shared_ptr<TargetFolder> root;
    std::string first;  ///< below root
    std::shared_ptr<TargetFolder> folder;
    Entry entry;  ///< without contents
  };
  core::Status push_frame(Walk& walk, const ChunkId& node, std::string inside, Frame frame);
  /// Skips names in the target up to `name` that the snapshot does not have; nullptr: all the rest.
  static void pass_standing(Frame& frame, const std::string* name);
  void leave(Walk& walk);
  /// Makes the folders on the current path that wait for something to be put into them. nullptr:
  /// they cannot be made.
  core::Result<std::shared_ptr<TargetFolder>> folder_on_top(const Selection& selection, Walk& walk);
  core::Status make_frame(const Selection& selection, Frame& frame, const std::string& inside,
                          const std::shared_ptr<TargetFolder>& above);
  core::Status step(const Selection& selection, Walk& walk);
  core::Status enter(const Selection& selection, Walk& walk, Entry entry, std::string inside);
  /// Files beside a file that SQLite would use if it is a database, and that are not restored with
  /// it.
  [[nodiscard]] std::vector<std::string> stale_sides(const Selection& selection,
                                                     TargetFolder& folder, const Entry& entry,
                                                     const std::string& inside, bool is_alone);
  core::Status place(const Selection& selection, const std::shared_ptr<TargetFolder>& folder,
                     Entry entry, const std::string& inside, bool is_alone = false);
  [[nodiscard]] std::optional<std::string> first_name_here(const Selection& selection,
                                                           const Entry& entry,
                                                           const std::string& inside);
  /// True if the object and all folders above it, up to the start of the selection, are selected.
  [[nodiscard]] bool is_selected(const Selection& selection, const std::string& inside,
                                 bool is_folder) const;

  CatalogueView view_;
  const Snapshot& snapshot_;
  RestoreTarget& target_;
  RestoreFiles& files_;
  std::vector<PendingLink> links_;
  std::map<std::string, std::string>
      stand_ins_;  ///< first name outside the selection -> one inside
};

}  // namespace cairn::repo::ops
