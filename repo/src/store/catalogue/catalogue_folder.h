#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cairn/core/descriptor.h"
#include "cairn/core/result.h"
#include "cairn/repo/ids.h"

/// The files around the catalogue's LMDB environment: locks between processes, and the mark that
/// says whether the environment survived the last power cut.
///
///     data.mdb lock.mdb   LMDB's
///     state               the mark, one sector, changed in place
///     files.lock          shared while the environment is opened or the mark is changed; exclusive
///                         while the files are replaced
///     write.lock          held during everything that writes; a merge may take seconds
///
/// The lock files stay for ever: removing a file that others lock is a race. Order: write.lock
/// before files.lock. Nothing here waits for processes that merely have the catalogue open: if the
/// files are replaced, they go on with the old ones, which have no name any more.
namespace cairn::repo::store {

/// What the `state` file says. LMDB is used without fsync, so its file can be trusted if everything
/// was synced (clean), or if the machine has not been rebooted since it was written to: a killed
/// process loses nothing that it committed.
struct CatalogueMark {
  RepositoryId repository;
  bool clean = false;
  std::string boot;  ///< the boot in which it was written to; kBootIdBytes
};
inline constexpr std::size_t kBootIdBytes = 36;
/// A catalogue of another version is started empty. Raise it with every change to the tables.
inline constexpr std::uint32_t kCatalogueVersion = 3;

/// The running system's boot id, or zeros if it is unknown: never equal to a later one.
[[nodiscard]] std::string current_boot_id();

/// An flock() that ends with the object. Must not outlive the folder.
class FolderLock {
 public:
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  friend class CatalogueFolder;
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

[[nodiscard]] bool catalogue_folder_exists(const std::string& path);

/// Locks exclude processes, not threads of one process. Errors: io, permission_denied, no_space.
class CatalogueFolder {
 public:
  /// Makes the folder (one level) and the lock files if they are missing.
  /// With `read_only` they must be there.
  [[nodiscard]] static core::Result<std::unique_ptr<CatalogueFolder>> open(const std::string& path,
                                                                           bool read_only = false);
  CatalogueFolder(const CatalogueFolder&) = delete;
  CatalogueFolder& operator=(const CatalogueFolder&) = delete;

  [[nodiscard]] core::Result<FolderLock> share_files();
  [[nodiscard]] core::Result<FolderLock> own_files();
  [[nodiscard]] core::Result<FolderLock> own_writing();
  /// Nobody writes while it is held. busy if another process is writing now.
  [[nodiscard]] core::Result<FolderLock> try_share_writing();
  /// nullopt if another process is writing now.
  [[nodiscard]] core::Result<std::optional<FolderLock>> try_own_writing();

  /// nullopt: missing, damaged or of another catalogue version.
  [[nodiscard]] std::optional<CatalogueMark> read_mark() const;
  /// Durable when it returns.
  core::Status write_mark(const CatalogueMark& mark);
  /// Removes the environment's files; succeeds if they are missing.
  core::Status remove_environment();
  core::Status remove_mark();
  /// True if data.mdb is the file with this identity.
  [[nodiscard]] bool names_file(std::uint64_t device, std::uint64_t inode) const;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit CatalogueFolder(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] core::Result<FolderLock> lock(int descriptor, int operation) const;

  std::string path_;
  core::Descriptor files_lock_;
  core::Descriptor write_lock_;
};

}  // namespace cairn::repo::store
