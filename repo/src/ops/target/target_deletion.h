#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/folder_table.h"
#include "ops/target/restore_log.h"
#include "ops/target/target_options.h"

namespace cairn::repo::ops {

/// unlinkat() that clears flags in the way if necessary.
core::Status unlink_name(int folder, const std::string& name, const std::string& path);

/// Removes what the snapshot does not have, or reports it in a dry run, and spares what must stay.
/// Thread-safe.
class TargetDeletion {
 public:
  TargetDeletion(const TargetOptions& options, FolderTable& folders, RestoreLog& log)
      : options_(options), folders_(folders), log_(log) {}

  /// An object being removed: its path for messages, and in the snapshot.
  struct Doomed {
    std::string name;
    std::string path;
    std::string snapshot_path;
  };
  /// Removes folder.extras.
  void remove_extras(const TargetFolder& folder);
  /// True if nothing is left of it.
  core::Result<bool> remove_tree(int folder, const Doomed& doomed, unsigned depth = 0);

 private:
  core::Result<bool> remove_children(int folder, const Doomed& doomed, unsigned depth);
  /// True if something that the snapshot does not have stays; reports why.
  [[nodiscard]] bool is_spared(int folder, const struct ::stat& status, const Doomed& doomed);
  [[nodiscard]] bool is_left_out(int folder, const Doomed& doomed) const;
  /// True if a tag among these names would have made the backup leave out the folder's contents.
  [[nodiscard]] bool carries_tag(int folder, const std::vector<std::string>& names) const;
  [[nodiscard]] bool is_other_file_system(const TargetFolder& folder, int descriptor);

  const TargetOptions& options_;
  FolderTable& folders_;
  RestoreLog& log_;
};

}  // namespace cairn::repo::ops
