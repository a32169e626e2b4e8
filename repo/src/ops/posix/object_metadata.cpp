#include "ops/posix/object_metadata.h"

#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/posix/inode_flags.h"

namespace cairn::repo::ops {
namespace {

constexpr std::size_t kUsualListBytes = 1024;
constexpr std::size_t kUsualValueBytes = 1024;
// The kernel's own limit on a list of names (XATTR_LIST_MAX).
constexpr std::size_t kListBytesMax = 64 * 1024;

/// The attributes of an open object.
struct OpenObject {
  int descriptor;

  [[nodiscard]] ::ssize_t list(char* out, std::size_t size) const {
    return ::flistxattr(descriptor, out, size);
  }
  [[nodiscard]] ::ssize_t get(const char* name, void* out, std::size_t size) const {
    return ::fgetxattr(descriptor, name, out, size);
  }
};

/// The attributes of an object by its path, without following a link.
struct NamedObject {
  std::string path;

  [[nodiscard]] ::ssize_t list(char* out, std::size_t size) const {
    return ::llistxattr(path.c_str(), out, size);
  }
  [[nodiscard]] ::ssize_t get(const char* name, void* out, std::size_t size) const {
    return ::lgetxattr(path.c_str(), name, out, size);
  }
};

bool has_no_xattrs(int error_number) noexcept {
  return error_number == ENOTSUP || error_number == ENOSYS;
}

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find('\0'), list.size());
    if (end > 0) {
      names.emplace_back(list.substr(0, end));
    }
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

template <class Object>
std::vector<std::string> list_names(const Object& object, const MetadataProblems& problems) {
  std::array<char, kUsualListBytes> usual;
  ::ssize_t size = object.list(usual.data(), usual.size());
  if (size == 0) {
    return {};
  }
  if (size > 0) {
    return split_names({usual.data(), static_cast<std::size_t>(size)});
  }
  if (errno == ERANGE) {
    std::string large(kListBytesMax, '\0');
    size = object.list(large.data(), large.size());
    if (size >= 0) {
      return split_names({large.data(), static_cast<std::size_t>(size)});
    }
  }
  if (!has_no_xattrs(errno)) {
    problems.add("list extended attributes: " + reason_of(errno));
  }
  return {};
}

/// nullopt with errno 0: there is no such attribute any more.
template <class Object>
std::optional<std::string> get_value(const Object& object, const std::string& name) {
  std::array<char, kUsualValueBytes> usual;
  ::ssize_t size = object.get(name.c_str(), usual.data(), usual.size());
  if (size >= 0) {
    return std::string(usual.data(), static_cast<std::size_t>(size));
  }
  if (errno == ERANGE) {
    std::string large(kXattrValueBytesMax, '\0');
    size = object.get(name.c_str(), large.data(), large.size());
    if (size >= 0) {
      large.resize(static_cast<std::size_t>(size));
      large.shrink_to_fit();
      return large;
    }
  }
  // Removed meanwhile, or a name that a file system lists without having a value for it.
  if (errno == ENODATA || has_no_xattrs(errno)) {
    errno = 0;
  }
  return std::nullopt;
}

template <class Object>
void fill_xattrs(const Object& object, Entry& entry, const MetadataProblems& problems) {
  entry.xattrs.clear();
  std::size_t total_bytes = 0;
  for (std::string& name : list_names(object, problems)) {
    if (name.size() > kXattrNameBytesMax) {
      problems.add(fmt::format("extended attribute with a name of {} bytes", name.size()));
      continue;
    }
    std::optional<std::string> value = get_value(object, name);
    if (!value.has_value()) {
      if (errno != 0) {
        problems.add(fmt::format("read extended attribute {}: {}", name, reason_of(errno)));
      }
      continue;
    }
    total_bytes += name.size() + value->size();
    if (entry.xattrs.size() == kXattrCountMax || total_bytes > kXattrBytesMax) {
      problems.add(fmt::format("too many extended attributes: left out {} and what follows", name));
      return;
    }
    entry.xattrs.push_back({std::move(name), std::move(*value)});
  }
}

}  // namespace

int open_without_traces(int folder, const char* name, int flags) {
  const int all_flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
  const int descriptor =
      core::uninterrupted([&] { return ::openat(folder, name, all_flags | O_NOATIME); });
  // Only the owner and CAP_FOWNER may suppress updates of the access time.
  if (descriptor >= 0 || errno != EPERM) {
    return descriptor;
  }
  return core::uninterrupted([&] { return ::openat(folder, name, all_flags); });
}

int open_folder(int parent, const char* name) {
  return open_without_traces(parent, name, O_RDONLY | O_DIRECTORY);
}

int open_folder_if(int parent, const char* name, InodeId wanted) {
  const int descriptor = open_folder(parent, name);
  if (descriptor < 0) {
    return -1;
  }
  Statx status{};
  const int error_number = stat_open(descriptor, status);
  if (error_number == 0 && inode_id(status) == wanted) {
    return descriptor;
  }
  ::close(descriptor);
  errno = error_number != 0 ? error_number : ESTALE;
  return -1;
}

int stat_at(int folder, const char* name, Statx& out) {
  const int result = core::uninterrupted([&] {
    // AT_STATX_SYNC_AS_STAT: a network file system asks its server as often as for any program.
    // With AT_STATX_DONT_SYNC it would return what it remembers, and miss changes made elsewhere.
    return ::statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_STATX_SYNC_AS_STAT | AT_NO_AUTOMOUNT,
                   STATX_BASIC_STATS | STATX_BTIME, &out);
  });
  return result == 0 ? 0 : errno;
}

int stat_open(int descriptor, Statx& out) {
  const int result = core::uninterrupted([&] {
    return ::statx(descriptor, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &out);
  });
  return result == 0 ? 0 : errno;
}

int stat_followed(const char* path, Statx& out) {
  const int result = core::uninterrupted([&] {
    return ::statx(AT_FDCWD, path, AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS | STATX_BTIME, &out);
  });
  return result == 0 ? 0 : errno;
}

core::Timestamp to_timestamp(const ::statx_timestamp& time) noexcept {
  // A FUSE file system may return anything.
  return {time.tv_sec, std::min(time.tv_nsec, core::kNanosecondsPerSecond - 1)};
}

InodeId inode_id(const Statx& status) noexcept {
  return {(std::uint64_t{status.stx_dev_major} << 32) | status.stx_dev_minor, status.stx_ino};
}

std::optional<core::Timestamp> birth_time(const Statx& status) noexcept {
  return (status.stx_mask & STATX_BTIME) != 0 ? std::optional(to_timestamp(status.stx_btime))
                                              : std::nullopt;
}

std::optional<EntryType> entry_type(const Statx& status) noexcept {
  switch (status.stx_mode & S_IFMT) {
    case S_IFREG:
      return EntryType::file;
    case S_IFDIR:
      return EntryType::folder;
    case S_IFLNK:
      return EntryType::symlink;
    case S_IFCHR:
      return EntryType::char_device;
    case S_IFBLK:
      return EntryType::block_device;
    case S_IFIFO:
      return EntryType::fifo;
    case S_IFSOCK:
      return EntryType::socket;
    default:
      return std::nullopt;
  }
}

std::string reason_of(int error_number) {
  constexpr std::string_view kAction = "x: ";
  std::string text = core::errno_error(error_number, "x").message().substr(kAction.size());
  if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z') {
    text.front() = static_cast<char>(text.front() - 'A' + 'a');
  }
  return text;
}

bool is_shortage(int error_number) noexcept {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
}

void MetadataProblems::add(std::string reason) const {
  problems.push_back({ProblemKind::incomplete_metadata, path, std::move(reason)});
}

void read_xattrs(int descriptor, Entry& entry, const MetadataProblems& problems) {
  fill_xattrs(OpenObject{descriptor}, entry, problems);
}

void read_xattrs_at(int folder, const std::string& name, Entry& entry,
                    const MetadataProblems& problems) {
  fill_xattrs(NamedObject{fmt::format("/proc/self/fd/{}/{}", folder, name)}, entry, problems);
}

void read_inode_flags(int descriptor, Entry& entry, const MetadataProblems& problems) {
  entry.inode_flags = 0;
  const auto flags = read_system_flags(descriptor);
  if (flags) {
    entry.inode_flags = recorded_flags(*flags);
  } else if (errno != ENOTTY && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) {
    problems.add("read inode flags: " + reason_of(errno));
  }
}

}  // namespace cairn::repo::ops
