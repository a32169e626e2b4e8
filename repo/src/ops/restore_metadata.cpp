#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "ops/restore_target.h"
#include "ops/tree_reader.h"

// The metadata half of RestoreTarget. Order matters: chown clears setuid bits and capabilities, so
// it comes first; attributes (ACLs set mode bits too) before the mode; times last of all.

namespace cairn::repo::ops {

namespace {

std::array<timespec, 2> times_of(const Entry& entry) {
  timespec mtime{};
  mtime.tv_sec = entry.mtime.seconds;
  mtime.tv_nsec = static_cast<long>(entry.mtime.nanoseconds);
  timespec atime{};
  atime.tv_nsec = UTIME_OMIT;
  return {atime, mtime};
}

/// Attributes that an ordinary user may not set, whatever the file.
bool is_privileged(const std::string& name) {
  return name.starts_with("trusted.") || name.starts_with("security.");
}

}  // namespace

core::Status RestoreTarget::set_owner(int descriptor, const std::string& name, const Entry& entry,
                                      const std::string& path) {
  const auto numbers = owners_.numbers(entry.owner);
  const int flags = name.empty() ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  struct stat present {};
  if (::fstatat(descriptor, name.c_str(), &present, flags) == 0 && present.st_uid == numbers.uid &&
      present.st_gid == numbers.gid) {
    return {};
  }
  if (::fchownat(descriptor, name.c_str(), numbers.uid, numbers.gid, flags) == 0) {
    return {};
  }
  if (errno == EPERM && !is_superuser_) {
    // Only the superuser gives files away; the group may still be one of ours.
    if (::fchownat(descriptor, name.c_str(), static_cast<uid_t>(-1), numbers.gid, flags) != 0 ||
        present.st_uid != numbers.uid) {
      counts_.skipped_owner += 1;
    }
    return {};
  }
  return core::fail(core::errno_error(errno, "set the owner of " + path));
}

core::Status RestoreTarget::set_metadata(int descriptor, const Entry& entry,
                                         const std::string& path) {
  CAIRN_TRY_STATUS(set_owner(descriptor, std::string(), entry, path));
  for (const Xattr& xattr : entry.xattrs) {
    if (::fsetxattr(descriptor, xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) !=
        0) {
      const int reason = errno;
      if (reason == ENOSPC || reason == EDQUOT) {
        return core::fail(core::errno_error(reason, "set attributes of " + path));
      }
      if (!is_superuser_ && is_privileged(xattr.name)) {
        counts_.skipped_owner += 1;
        continue;
      }
      problems_.add({ProblemKind::incomplete_metadata, path,
                     core::errno_error(reason, "set attribute " + xattr.name).message()});
    }
  }
  if (::fchmod(descriptor, entry.mode) != 0) {
    return core::fail(core::errno_error(errno, "set the mode of " + path));
  }
  const auto times = times_of(entry);
  if (::futimens(descriptor, times.data()) != 0) {
    return core::fail(core::errno_error(errno, "set the time of " + path));
  }
  return {};
}

core::Status RestoreTarget::set_link_metadata(int folder, const Entry& entry,
                                              const std::string& path) {
  CAIRN_TRY_STATUS(set_owner(folder, entry.name, entry, path));
  // There is no descriptor of a symlink or device to set attributes through: /proc leads from the
  // folder's descriptor to the name without following it.
  const std::string by_folder = fmt::format("/proc/self/fd/{}/{}", folder, entry.name);
  for (const Xattr& xattr : entry.xattrs) {
    if (::lsetxattr(by_folder.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(),
                    0) != 0) {
      const int reason = errno;
      if (!is_superuser_ && is_privileged(xattr.name)) {
        counts_.skipped_owner += 1;
        continue;
      }
      problems_.add({ProblemKind::incomplete_metadata, path,
                     core::errno_error(reason, "set attribute " + xattr.name).message()});
    }
  }
  if (entry.type != EntryType::symlink &&
      ::fchmodat(folder, entry.name.c_str(), entry.mode, AT_SYMLINK_NOFOLLOW) != 0) {
    return core::fail(core::errno_error(errno, "set the mode of " + path));
  }
  const auto times = times_of(entry);
  if (::utimensat(folder, entry.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return core::fail(core::errno_error(errno, "set the time of " + path));
  }
  return {};
}

}  // namespace cairn::repo::ops
