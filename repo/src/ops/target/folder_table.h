#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/target/open_beneath.h"
#include "ops/target/restore_metadata.h"

namespace cairn::repo::ops {

/// A folder of the target that is not finished. Its metadata is set when the last work in it is
/// done, since every name made in a folder changes its time.
struct TargetFolder {
  std::shared_ptr<TargetFolder> parent;  ///< nullptr: the target itself
  std::string name;
  std::string path;                 ///< for messages
  std::string snapshot_path;        ///< absolute, in the snapshot
  std::optional<Entry> entry;       ///< metadata to set at the end; nullopt: none
  bool existed = false;             ///< was there before this restore
  bool is_missing = false;          ///< dry run: would have been made
  bool is_recorded_empty = false;   ///< the snapshot has nothing in it
  std::vector<std::string> sides;   ///< names that a database's files could have, if it existed
  std::vector<std::string> extras;  ///< names that the snapshot does not have: removed at the end
  unsigned lifted_flags = 0;        ///< cleared to be able to write: set again at the end
  std::atomic<std::uint64_t> pending{1};  ///< files and folders in it, and the walk
  std::once_flag new_files_seen;          ///< in a new folder: called when the first file is made
  NewFileTraits new_files;                ///< valid after that
};

/// The open folders of a target. Everything in it is reached from a descriptor of its folder, never
/// through a symbolic link: somebody who replaces folders by links meanwhile cannot lead a restore
/// out of its target. Keeps at most kOpenMax folders open, and reopens others. Thread-safe once the
/// root is set.
class FolderTable {
 public:
  explicit FolderTable(BeneathOpener::Way way) : opener_(way) {}

  void set_root(std::shared_ptr<Descriptor> root) { root_ = std::move(root); }
  [[nodiscard]] int root() const noexcept { return root_->number(); }
  [[nodiscard]] const BeneathOpener& opener() const noexcept { return opener_; }

  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> get(const TargetFolder& folder);
  /// Opens a folder that was just made in `above`.
  core::Status open_new(int above, const TargetFolder& folder);
  /// Closes a folder in which nothing is left to do.
  void forget(const TargetFolder& folder);

  static constexpr std::size_t kOpenMax = 256;
  /// Levels that are opened in one step and not kept.
  static constexpr std::size_t kFarLevels = 32;

 private:
  struct OpenFolder {
    const TargetFolder* folder = nullptr;
    std::shared_ptr<Descriptor> descriptor;
  };
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> reopen(const TargetFolder& folder);
  void remember(const TargetFolder& folder, std::shared_ptr<Descriptor> descriptor);

  const BeneathOpener opener_;
  std::shared_ptr<Descriptor> root_;
  std::mutex mutex_;            ///< protects what follows
  std::list<OpenFolder> open_;  ///< most recently used first
  std::unordered_map<const TargetFolder*, std::list<OpenFolder>::iterator> by_folder_;
};

}  // namespace cairn::repo::ops
