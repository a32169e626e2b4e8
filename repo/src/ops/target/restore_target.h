#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/target/folder_table.h"
#include "ops/target/restore_log.h"
#include "ops/target/restore_metadata.h"
#include "ops/target/target_deletion.h"
#include "ops/target/target_names.h"
#include "ops/target/target_options.h"

namespace cairn::repo::ops {

/// The target of a restore: makes, enters and finishes its folders, and gives access to the other
/// parts. Thread-safe.
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
  [[nodiscard]] FolderTable& folders() noexcept { return folders_; }
  [[nodiscard]] TargetNames& names() noexcept { return names_; }

  /// The target itself stands for a recorded folder: it gets that folder's metadata.
  void describe_root(Entry entry, std::string snapshot_path);
  /// Makes (or takes over) a folder with one pending piece of work, which is the caller's. nullptr:
  /// something else has the name and is kept.
  [[nodiscard]] core::Result<std::shared_ptr<TargetFolder>> make_folder(
      const std::shared_ptr<TargetFolder>& parent, std::string name, std::optional<Entry> entry,
      std::string snapshot_path);
  /// One piece of a folder's work is done. The last one removes what the snapshot does not have and
  /// sets the folder's metadata, and so on upwards.
  void release(std::shared_ptr<TargetFolder> folder);

 private:
  RestoreTarget(const TargetOptions& options, RestoreLog& log);
  core::Status open_root();
  core::Status enter_folder(TargetFolder& folder, const Standing& standing);
  /// `standing`: something else has the name, and is removed.
  core::Status make_new_folder(const TargetFolder& folder, bool standing);
  core::Status set_folder_metadata(const TargetFolder& folder);

  const TargetOptions options_;
  RestoreLog& log_;
  MetadataWriter metadata_;
  FolderTable folders_;
  TargetDeletion deletion_;
  TargetNames names_;
  std::shared_ptr<TargetFolder> root_;
};

}  // namespace cairn::repo::ops
