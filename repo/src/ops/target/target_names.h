#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/folder_table.h"
#include "ops/target/target_deletion.h"
#include "ops/target/target_options.h"

namespace cairn::repo::ops {

/// The names in a target's folders: what has them, files with temporary names and without any, and
/// how they get their own. Names were checked when they were decoded. Thread-safe.
class TargetNames {
 public:
  TargetNames(const TargetOptions& options, FolderTable& folders, TargetDeletion& deletion);

  /// What has the name in the folder. Costs nothing in folders that this restore has made.
  [[nodiscard]] core::Result<Standing> look(const TargetFolder& folder, const std::string& name);
  /// All names in the folder, ascending as bytes; none if it is new.
  [[nodiscard]] core::Result<std::vector<std::string>> list(const TargetFolder& folder);
  /// Opens a file of the folder by its name; never a link, a FIFO does not block.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> open(const TargetFolder& folder,
                                                               const std::string& name, int flags);

  /// A new empty file that nobody else can open, with the flags that take effect only on empty
  /// files.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> create(TargetFolder& folder,
                                                                 const std::string& name,
                                                                 const Entry& entry);
  /// The same without a name: if it never gets one, it disappears with its last descriptor.
  /// nullptr: the file system cannot do that.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> create_unnamed(TargetFolder& folder,
                                                                         const Entry& entry);
  /// For what is no file, and so need not be found again by the next restore.
  [[nodiscard]] std::string new_temporary_name(std::string_view kind);

  /// Gives a file without a name its name. Errors: already_exists, whatever the options say.
  core::Status link_unnamed(const TargetFolder& folder, int file, const std::string& name);
  /// Renames, replacing what has the name if the options allow it.
  core::Status give(const TargetFolder& folder, const std::string& temporary_name,
                    const std::string& name);
  /// Gives a file a temporary name, or its own back.
  core::Status set_aside(const TargetFolder& folder, const std::string& name,
                         const std::string& temporary_name);
  void discard(const TargetFolder& folder, const std::string& temporary_name);

 private:
  /// Frees the name if what has it cannot simply be renamed over.
  core::Status make_way(int folder, const TargetFolder& in, const std::string& name);

  const TargetOptions& options_;
  FolderTable& folders_;
  TargetDeletion& deletion_;
  std::atomic<bool> may_have_unnamed_;
  std::atomic<bool> links_descriptors_;
  std::atomic<std::uint64_t> next_temporary_{0};
};

}  // namespace cairn::repo::ops
