#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <gsl/assert>
#include <limits>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "cairn/core/descriptor.h"
#include "cairn/core/file_system.h"

/// The only file that makes storage calls of POSIX on a repository's files.
namespace cairn::core {
namespace {

constexpr std::size_t kOpenFilesMax = 64;
constexpr ::mode_t kFolderMode = 0700;
constexpr ::mode_t kFileMode = 0600;

Descriptor open_file(const std::string& path, int flags) {
  return Descriptor(
      uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, kFileMode); }));
}

Sharing sharing_of(::mode_t mode) {
  if ((mode & S_IRGRP) == 0) {
    return Sharing::owner_only;
  }
  return (mode & S_IWGRP) == 0 ? Sharing::group_reads : Sharing::group_writes;
}

/// The group's bits of a mode.
::mode_t group_bits(Sharing sharing, bool is_folder) {
  switch (sharing) {
    case Sharing::owner_only:
      return 0;
    case Sharing::group_reads:
      return is_folder ? ::mode_t{S_IRGRP | S_IXGRP} : ::mode_t{S_IRGRP};
    case Sharing::group_writes:
      return is_folder ? ::mode_t{S_IRWXG} : ::mode_t{S_IRGRP | S_IWGRP};
  }
  return 0;
}

/// Querying umask() would change it for a moment, for all threads. If unknown: the usual one.
::mode_t current_umask() {
  constexpr ::mode_t kUsual = 022;
  std::FILE* const status = std::fopen("/proc/self/status", "re");
  if (status == nullptr) {
    return kUsual;
  }
  unsigned mask = kUsual;
  std::array<char, 256> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), status) != nullptr) {
    if (std::sscanf(line.data(), "Umask: %o", &mask) == 1) {
      break;
    }
  }
  std::fclose(status);
  return mask;
}

tl::unexpected<Error> fail_errno(int error_number, std::string_view action,
                                 const std::string& path) {
  return fail(errno_error(error_number, fmt::format("{} {}", action, path)));
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(Descriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Status append(ByteView data) override {
    Expects(file_.is_open());
    CAIRN_TRY_STATUS(state_);
    while (!data.empty()) {
      const ::ssize_t written =
          uninterrupted([&] { return ::write(file_.number(), data.data(), data.size()); });
      if (written < 0) {
        return remember(fail_errno(errno, "write", path_));
      }
      data = data.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status sync() override {
    Expects(file_.is_open());
    CAIRN_TRY_STATUS(state_);
    // A new file's size is metadata that fdatasync writes too; it leaves out only times.
    if (uninterrupted([&] { return ::fdatasync(file_.number()); }) != 0) {
      return remember(fail_errno(errno, "sync", path_));
    }
    return {};
  }

  Result<bool> has_its_name() const override {
    Expects(file_.is_open());
    struct ::stat ours {};
    struct ::stat named {};
    if (::fstat(file_.number(), &ours) != 0) {
      return fail_errno(errno, "look up", path_);
    }
    if (::lstat(path_.c_str(), &named) != 0) {
      return errno == ENOENT || errno == ESTALE ? Result<bool>(false)
                                                : fail_errno(errno, "look up", path_);
    }
    // Some network and FUSE file systems invent inode numbers as they go.
    const bool same_inode = ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
    const bool same_look = ours.st_size == named.st_size &&
                           ours.st_mtim.tv_sec == named.st_mtim.tv_sec &&
                           ours.st_mtim.tv_nsec == named.st_mtim.tv_nsec;
    return same_inode || same_look;
  }

  Status close() override {
    Expects(file_.is_open());
    // Linux has closed the descriptor even if it returns EINTR.
    if (::close(file_.release()) != 0 && errno != EINTR) {
      return remember(fail_errno(errno, "close", path_));
    }
    return state_;
  }

 private:
  // After a failed fsync Linux marks the lost pages clean, so that the next one would succeed: from
  // then on only the first error is true.
  Status remember(Status failed) {
    state_ = std::move(failed);
    return state_;
  }

  Descriptor file_;
  std::string path_;
  Status state_;
};

/// Open files by path, the least recently used one closed first. Thread-safe. A shared_ptr keeps a
/// descriptor open for a reader even after the cache has dropped it.
class OpenFiles {
 public:
  using File = std::shared_ptr<const Descriptor>;

  struct Lookup {
    File file;                 ///< null if it has to be opened
    std::uint64_t generation;  ///< to be handed to keep()
  };

  Lookup find(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) {
      return {nullptr, generation_};
    }
    recent_.splice(recent_.begin(), recent_, found->second);
    return {found->second->file, generation_};
  }

  /// Does nothing if any file was forgotten since find(): it may have been this one.
  void keep(const std::string& path, File file, std::uint64_t generation) {
    const std::scoped_lock lock(mutex_);
    if (generation != generation_ || by_path_.contains(path)) {
      return;
    }
    if (recent_.size() >= kOpenFilesMax) {
      by_path_.erase(recent_.back().path);
      recent_.pop_back();
    }
    recent_.push_front({path, std::move(file)});
    by_path_.emplace(path, recent_.begin());
  }

  void forget(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    ++generation_;
    const auto found = by_path_.find(path);
    if (found != by_path_.end()) {
      recent_.erase(found->second);
      by_path_.erase(found);
    }
  }

 private:
  struct Entry {
    std::string path;
    File file;
  };

  std::mutex mutex_;
  std::list<Entry> recent_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_path_;
  std::uint64_t generation_ = 0;
};

class PosixFileSystem final : public FileSystem {
 public:
  explicit PosixFileSystem(const PosixOptions& options) : options_(options) {}

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    Descriptor file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    if (!file.is_open()) {
      return fail_errno(errno, "create", path);
    }
    open_files_.forget(path);
    return std::make_unique<PosixWritableFile>(std::move(file), path);
  }

  Status read_at(const std::string& path, std::uint64_t offset, MutableByteView out) override {
    CAIRN_TRY(const OpenFiles::File file, opened(path));
    const std::size_t wanted = out.size();
    // pread rejects offsets that overflow together with the size; such an offset is beyond every
    // file.
    constexpr auto kOffsetMax = static_cast<std::uint64_t>(std::numeric_limits<::off_t>::max());
    auto position = static_cast<::off_t>(std::min(offset, kOffsetMax - wanted));
    while (!out.empty()) {
      const ::ssize_t got =
          uninterrupted([&] { return ::pread(file->number(), out.data(), out.size(), position); });
      if (got < 0) {
        return fail_errno(errno, "read", path);
      }
      if (got == 0) {
        return fail(ErrorCode::corrupt,
                    fmt::format("read {}: it ends {} bytes before the end of the {} at offset {}",
                                path, out.size(), wanted, offset));
      }
      out = out.subspan(static_cast<std::size_t>(got));
      position += got;
    }
    return {};
  }

  Result<std::optional<FileInfo>> info(const std::string& path) override {
    struct ::stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) {
        return std::nullopt;
      }
      return fail_errno(errno, "look up", path);
    }
    return FileInfo{.is_folder = S_ISDIR(status.st_mode),
                    .size_bytes = static_cast<std::uint64_t>(status.st_size),
                    .sharing = sharing_of(status.st_mode),
                    .modified_seconds = status.st_mtim.tv_sec};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    struct CloseFolder {
      void operator()(::DIR* folder) const noexcept { ::closedir(folder); }
    };
    const std::unique_ptr<::DIR, CloseFolder> folder(::opendir(path.c_str()));
    if (folder == nullptr) {
      return fail_errno(errno, "list", path);
    }
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const ::dirent* const entry = ::readdir(folder.get());
      if (entry == nullptr) {
        break;
      }
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") {
        names.emplace_back(name);
      }
    }
    if (errno != 0) {
      return fail_errno(errno, "list", path);
    }
    return names;
  }

  Status publish(const std::string& from, const std::string& to) override {
    Status moved = move_without_replacing(from, to);
    open_files_.forget(from);
    open_files_.forget(to);
    return moved;
  }

  Status replace(const std::string& from, const std::string& to) override {
    const bool moved = ::rename(from.c_str(), to.c_str()) == 0;
    const int error_number = errno;
    open_files_.forget(from);
    open_files_.forget(to);
    if (!moved) {
      return fail_errno(error_number, "replace", to);
    }
    return {};
  }

  Status remove(const std::string& path) override {
    bool removed = ::unlink(path.c_str()) == 0;
    if (!removed && errno == EISDIR) {
      removed = ::rmdir(path.c_str()) == 0;
    }
    const int error_number = errno;
    open_files_.forget(path);
    if (!removed) {
      return fail_errno(error_number, "remove", path);
    }
    return {};
  }

  Status make_folder(const std::string& path) override {
    if (::mkdir(path.c_str(), kFolderMode) == 0) {
      return {};
    }
    const int error_number = errno;
    struct ::stat status {};
    if (error_number == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      return {};
    }
    return fail_errno(error_number, "create folder", path);
  }

  Status share(const std::string& path, Sharing sharing) override {
    struct ::stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      return fail_errno(errno, "look up", path);
    }
    // Only missing bits are set: on file systems without modes of their own (vfat, exfat, some
    // network ones) all files look shared, and no mode can be set.
    const ::mode_t wanted = group_bits(sharing, S_ISDIR(status.st_mode));
    const bool is_shared = (status.st_mode & wanted) == wanted;
    if (!is_shared && ::chmod(path.c_str(), (status.st_mode & ::mode_t{07777}) | wanted) != 0) {
      return fail_errno(errno, "share with the group", path);
    }
    return {};
  }

  Result<Sharing> sharing_inside(const std::string& folder) override {
    struct ::stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      return fail_errno(errno, "look up", folder);
    }
    if ((status.st_mode & ::mode_t{S_IRWXG}) != ::mode_t{S_IRWXG}) {
      return Sharing::owner_only;
    }
    // With a default ACL the kernel ignores the umask too.
    const bool has_acl = ::getxattr(folder.c_str(), "system.posix_acl_default", nullptr, 0) > 0;
    const bool hands_on =
        (status.st_mode & ::mode_t{S_ISGID}) != 0 && (current_umask() & ::mode_t{S_IRWXG}) == 0;
    return has_acl || hands_on ? Sharing::group_writes : Sharing::owner_only;
  }

  Status sync_folder(const std::string& path) override {
    const Descriptor folder = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!folder.is_open()) {
      return fail_errno(errno, "open folder", path);
    }
    const int result = uninterrupted([&] { return ::fsync(folder.number()); });
    // EINVAL: a file system without this call for folders (some network and FUSE ones) has
    // nothing stronger to offer.
    if (result != 0 && errno != EINVAL) {
      return fail_errno(errno, "sync folder", path);
    }
    return {};
  }

 private:
  Result<OpenFiles::File> opened(const std::string& path) {
    struct ::stat status {};
    const OpenFiles::Lookup known = open_files_.find(path);
    if (known.file != nullptr) {
      // Without a name it was removed by another process, and reading on would hide that.
      if (::fstat(known.file->number(), &status) == 0 && status.st_nlink > 0) {
        return known.file;
      }
      open_files_.forget(path);
    }
    // O_NONBLOCK: a FIFO that somebody put there must not block us for ever.
    Descriptor file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file.is_open()) {
      return fail_errno(errno, "open", path);
    }
    if (::fstat(file.number(), &status) != 0) {
      return fail_errno(errno, "look up", path);
    }
    if (!S_ISREG(status.st_mode)) {
      return fail(ErrorCode::io, fmt::format("open {}: not a regular file", path));
    }
    auto shared = std::make_shared<const Descriptor>(std::move(file));
    open_files_.keep(path, shared, known.generation);
    return shared;
  }

  Status move_without_replacing(const std::string& from, const std::string& to) const {
    if (options_.use_renameat2) {
      if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return {};
      }
      if (errno != EINVAL && errno != ENOSYS) {
        return fail_errno(errno, "publish", to);
      }
    }
    // The file system cannot do it in one step (NFS, some FUSE ones). A second name is just as
    // good: link() never replaces either, and a crash in between only leaves the temporary name
    // behind.
    if (::link(from.c_str(), to.c_str()) != 0) {
      const int error_number = errno;
      if ((error_number != EEXIST && error_number != ESTALE) || !same_file(from, to)) {
        return fail_errno(error_number, "publish", to);
      }
    }
    // `to` exists, which was the purpose: a temporary name that cannot be removed is only litter.
    static_cast<void>(::unlink(from.c_str()));
    return {};
  }

  // True if link() worked but its answer was lost on the way (NFS).
  static bool same_file(const std::string& a, const std::string& b) {
    struct ::stat first {};
    struct ::stat second {};
    return ::lstat(a.c_str(), &first) == 0 && ::lstat(b.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  }

  PosixOptions options_;
  OpenFiles open_files_;
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system(const PosixOptions& options) {
  return std::make_unique<PosixFileSystem>(options);
}

}  // namespace cairn::core
