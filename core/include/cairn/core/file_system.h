#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

/// The seam between Cairn's repositories and the operating system: every file of a repository on a
/// local disk is read and written through it, so that tests can inject failures at each call. Files
/// being backed up or restored do not use it: reading a live tree and writing durable objects have
/// no common contract.
namespace cairn::core {

/// A new file being written front to back. Not thread-safe.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status append(ByteView data) = 0;
  /// Everything appended so far survives a power cut once this returns.
  virtual Status sync() = 0;
  /// False if the file has lost the name it was created under: somebody removed it, or another file
  /// has taken its place.
  [[nodiscard]] virtual Result<bool> has_its_name() const = 0;
  /// Closes; further calls are a programmer's error. The destructor closes without a report.
  virtual Status close() = 0;
};

/// Who may use a file or folder besides its owner.
enum class Sharing : std::uint8_t {
  owner_only,
  group_reads,
  group_writes,  ///< and reads
};

struct FileInfo {
  bool is_folder = false;
  std::uint64_t size_bytes = 0;
  Sharing sharing = Sharing::owner_only;
  /// By the file system's clock, in seconds since 1970: comparable only with other such times.
  std::int64_t modified_seconds = 0;
};

/// Paths are bytes as the system sees them. New files and folders belong to their owner alone
/// (0600, 0700) until they are shared. Thread-safe. Errors: not_found, already_exists, no_space,
/// permission_denied, io; the message names the path and the action.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Creates a file that must not exist yet.
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path) = 0;
  /// Reads exactly out.size() bytes at `offset`; corrupt if the file ends before that.
  virtual Status read_at(const std::string& path, std::uint64_t offset, MutableByteView out) = 0;
  /// nullopt if nothing is there.
  virtual Result<std::optional<FileInfo>> info(const std::string& path) = 0;
  /// Names in the folder without "." and "..", in no particular order.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Renames `from` to `to` atomically; already_exists if `to` exists. Never replaces.
  virtual Status publish(const std::string& from, const std::string& to) = 0;
  /// Renames `from` to `to` atomically, over a file that may exist: at any time, and after a power
  /// cut, `to` is the one or the other. Only for repairing what was found damaged.
  virtual Status replace(const std::string& from, const std::string& to) = 0;
  /// Removes a file or an empty folder.
  virtual Status remove(const std::string& path) = 0;
  /// Succeeds if it exists already. Parents must exist. Mode 0700.
  virtual Status make_folder(const std::string& path) = 0;
  /// Shares a newly made file or folder with its group, whatever the umask is.
  virtual Status share(const std::string& path, Sharing sharing) = 0;
  /// With whom a new folder inside `folder` should be shared: with the group, if `folder` passes
  /// its group on (setgid, or a default ACL) and lets it write, and the umask allows it.
  [[nodiscard]] virtual Result<Sharing> sharing_inside(const std::string& folder) = 0;
  /// After this, names published in or removed from this folder so far survive a power cut.
  virtual Status sync_folder(const std::string& path) = 0;
};

struct PosixOptions {
  /// False: publish with link() and unlink(), as happens anyway on file systems that cannot rename
  /// without replacing. Lets tests reach that path everywhere.
  bool use_renameat2 = true;
};

/// The system's own. Reads go through a small cache of open descriptors (at most 64).
[[nodiscard]] std::unique_ptr<FileSystem> make_posix_file_system(const PosixOptions& options = {});

}  // namespace cairn::core
