#include "ops/target/restore_metadata.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "ops/posix/inode_flags.h"
#include "ops/posix/object_metadata.h"
#include "ops/target/restore_policy.h"

// Order matters: chown clears setuid bits and capabilities, so it comes first; attributes (ACLs set
// mode bits too) before the mode; the time after everything that changes it; then the flags, some
// of which forbid all of that.

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

/// Attributes that an ordinary user may not set on any file.
bool is_privileged(std::string_view name) {
  return name.starts_with("trusted.") || name.starts_with("security.");
}

/// Attributes that somebody gave this object, unlike labels that a policy gives to all of them.
bool is_removable(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("trusted.") ||
         name.starts_with("system.posix_acl_") || name == "security.capability";
}

/// The attributes of an open object, and of one by its path without following a link.
struct OpenTarget {
  int descriptor;
  [[nodiscard]] int set(const Xattr& xattr) const {
    return ::fsetxattr(descriptor, xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0);
  }
  [[nodiscard]] int remove(const char* name) const { return ::fremovexattr(descriptor, name); }
};
struct NamedTarget {
  std::string path;
  [[nodiscard]] int set(const Xattr& xattr) const {
    return ::lsetxattr(path.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0);
  }
  [[nodiscard]] int remove(const char* name) const { return ::lremovexattr(path.c_str(), name); }
};

const Xattr* find_xattr(const std::vector<Xattr>& xattrs, const std::string& name) {
  const auto found =
      std::ranges::find_if(xattrs, [&](const Xattr& xattr) { return xattr.name == name; });
  return found == xattrs.end() ? nullptr : &*found;
}

/// The existing attributes, as far as they can be read; unreadable ones will be set.
Entry present_xattrs(int descriptor) {
  Entry present;
  std::vector<Problem> ignored;
  const std::string no_path;
  read_xattrs(descriptor, present, {no_path, ignored});
  return present;
}

Entry present_xattrs_at(int folder, const std::string& name) {
  Entry present;
  std::vector<Problem> ignored;
  const std::string no_path;
  read_xattrs_at(folder, name, present, {no_path, ignored});
  return present;
}

bool is_plain_object(const Entry& present) {
  return std::ranges::none_of(present.xattrs,
                              [](const Xattr& xattr) { return is_removable(xattr.name); });
}

}  // namespace

NewFileTraits new_file_traits(int descriptor) {
  NewFileTraits traits;
  struct ::stat status {};
  if (::fstat(descriptor, &status) == 0) {
    traits.uid = status.st_uid;
    traits.gid = status.st_gid;
    traits.is_plain = recorded_flags(read_system_flags(descriptor).value_or(0)) == 0 &&
                      is_plain_object(present_xattrs(descriptor));
  }
  return traits;
}

OwnerNumbers::Numbers OwnerNumbers::numbers(const Owner& owner) {
  Numbers numbers{owner.uid, owner.gid};
  if (numeric_only_) {
    return numbers;
  }
  const std::scoped_lock lock(mutex_);
  if (!owner.user.empty()) {
    auto [user, is_new] = users_.try_emplace(owner.user);
    if (is_new) {
      if (const passwd* found = ::getpwnam(owner.user.c_str())) {
        user->second = found->pw_uid;
      }
    }
    numbers.uid = user->second.value_or(owner.uid);
  }
  if (!owner.group.empty()) {
    auto [group, is_new] = groups_.try_emplace(owner.group);
    if (is_new) {
      if (const ::group* found = ::getgrnam(owner.group.c_str())) {
        group->second = found->gr_gid;
      }
    }
    numbers.gid = group->second.value_or(owner.gid);
  }
  return numbers;
}

mode_t mode_with_owner(const Entry& entry, OwnerMatch owner) noexcept {
  mode_t mode = entry.mode;
  if (entry.type == EntryType::folder) {
    return owner.group ? mode : mode & ~static_cast<mode_t>(S_ISGID);
  }
  return owner.user && owner.group ? mode : mode & ~static_cast<mode_t>(S_ISUID | S_ISGID);
}

MetadataWriter::MetadataWriter(MetadataOptions options, RestoreLog& log)
    : options_(std::move(options)),
      log_(log),
      owners_(options_.numeric_ids),
      is_superuser_(::geteuid() == 0) {}

void MetadataWriter::report(const std::string& path, int error_number, std::string_view what) {
  log_.problem(ProblemKind::incomplete_metadata, path,
               core::errno_error(error_number, what).message());
}

OwnerNumbers::Numbers MetadataWriter::wanted_owner(const struct ::stat& present,
                                                   const Entry& entry) {
  if (options_.no_owner) {
    return {present.st_uid, present.st_gid};
  }
  return owners_.numbers(entry.owner);
}

OwnerMatch MetadataWriter::set_owner(int descriptor, const std::string& name, const Entry& entry,
                                     const std::string& path) {
  const auto numbers = owners_.numbers(entry.owner);
  const int flags = name.empty() ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  struct stat present {};
  const bool is_known = ::fstatat(descriptor, name.c_str(), &present, flags) == 0;
  OwnerMatch match{is_known && present.st_uid == numbers.uid,
                   is_known && present.st_gid == numbers.gid};
  if (options_.no_owner || (match.user && match.group)) {
    return match;
  }
  constexpr auto kSame = static_cast<uid_t>(-1);
  if (::fchownat(descriptor, name.c_str(), numbers.uid, numbers.gid, flags) == 0) {
    return {};
  }
  // Not for us to give away, or unknown in this user namespace or to this file system. One of the
  // two may still be possible.
  const int reason = errno;
  match.group = match.group || ::fchownat(descriptor, name.c_str(), kSame, numbers.gid, flags) == 0;
  match.user = match.user || ::fchownat(descriptor, name.c_str(), numbers.uid, kSame, flags) == 0;
  if (!match.user || !match.group) {
    log_.skip(Skipped::owner, path,
              fmt::format("owner {}:{}: {}", numbers.uid, numbers.gid, reason_of(reason)));
  }
  return match;
}

template <class Object>
void MetadataWriter::set_xattrs(const Object& object, const Entry& present, const Entry& entry,
                                const std::string& path) {
  for (const Xattr& xattr : present.xattrs) {
    if (selects_xattr(xattr.name) && is_removable(xattr.name) &&
        find_xattr(entry.xattrs, xattr.name) == nullptr && object.remove(xattr.name.c_str()) != 0 &&
        errno != ENODATA && (is_superuser_ || !is_privileged(xattr.name))) {
      report(path, errno, "remove attribute " + xattr.name);
    }
  }
  for (const Xattr& xattr : entry.xattrs) {
    const Xattr* const there = find_xattr(present.xattrs, xattr.name);
    if (!selects_xattr(xattr.name) || (there != nullptr && there->value == xattr.value) ||
        object.set(xattr) == 0) {
      continue;
    }
    const int reason = errno;
    if (!is_superuser_ && is_privileged(xattr.name)) {
      log_.skip(Skipped::attribute, path, "attribute " + xattr.name);
      continue;
    }
    report(path, reason, "set attribute " + xattr.name);
  }
}

bool MetadataWriter::same_xattrs(const Entry& present, const Entry& entry) const {
  const auto is_right = [&](const Xattr& xattr) {
    const Xattr* found = find_xattr(present.xattrs, xattr.name);
    return !selects_xattr(xattr.name) || (found != nullptr && found->value == xattr.value);
  };
  const auto is_extra = [&](const Xattr& xattr) {
    return selects_xattr(xattr.name) && is_removable(xattr.name) &&
           find_xattr(entry.xattrs, xattr.name) == nullptr;
  };
  return std::ranges::all_of(entry.xattrs, is_right) &&
         std::ranges::none_of(present.xattrs, is_extra);
}

void MetadataWriter::set_mode_and_time(int descriptor, const Entry& entry, OwnerMatch owner,
                                       const std::string& path) {
  const mode_t mode = mode_with_owner(entry, owner);
  if (mode != entry.mode) {
    log_.skip(Skipped::set_id, path, "set-user-id or set-group-id, without its owner");
  }
  if (::fchmod(descriptor, mode) != 0) {
    report(path, errno, "set the mode");
  }
  const auto times = times_of(entry);
  if (::futimens(descriptor, times.data()) != 0) {
    report(path, errno, "set the time");
  }
}

void MetadataWriter::set(int descriptor, const Entry& entry, const std::string& path) {
  lift_hindering_flags(descriptor);
  const OwnerMatch owner = set_owner(descriptor, std::string(), entry, path);
  set_xattrs(OpenTarget{descriptor}, present_xattrs(descriptor), entry, path);
  set_mode_and_time(descriptor, entry, owner, path);
  set_flags(descriptor, entry, static_cast<std::uint8_t>(~kHinderingFlags), path);
}

void MetadataWriter::set_new(int descriptor, const Entry& entry, const std::string& path,
                             const NewFileTraits& traits) {
  if (!traits.is_plain || !entry.xattrs.empty() || entry.inode_flags != 0) {
    set(descriptor, entry, path);
    return;
  }
  const auto numbers = owners_.numbers(entry.owner);
  OwnerMatch owner{traits.uid == numbers.uid, traits.gid == numbers.gid};
  if (!owner.user || !owner.group) {
    owner = set_owner(descriptor, std::string(), entry, path);
  }
  set_mode_and_time(descriptor, entry, owner, path);
}

void MetadataWriter::set_last(int descriptor, const Entry& entry, const std::string& path) {
  if ((entry.inode_flags & kHinderingFlags) != 0) {
    set_flags(descriptor, entry, kHinderingFlags, path);
  }
}

void MetadataWriter::set_flags(int descriptor, const Entry& entry, std::uint8_t mask,
                               const std::string& path) {
  const auto skip = [&](std::string_view flag, int error_number) {
    log_.skip(Skipped::flag, path, fmt::format("flag {}: {}", flag, reason_of(error_number)));
  };
  set_inode_flags(descriptor, entry.inode_flags, mask, skip);
}

void MetadataWriter::set_at(int folder, const std::string& name, const Entry& entry,
                            const std::string& path) {
  const OwnerMatch owner = set_owner(folder, name, entry, path);
  // A symlink or device has no descriptor to set attributes through: /proc leads from the folder's
  // descriptor to the name without following it.
  const NamedTarget object{fmt::format("/proc/self/fd/{}/{}", folder, name)};
  set_xattrs(object, present_xattrs_at(folder, name), entry, path);
  if (entry.type != EntryType::symlink &&
      ::fchmodat(folder, name.c_str(), mode_with_owner(entry, owner), AT_SYMLINK_NOFOLLOW) != 0) {
    report(path, errno, "set the mode");
  }
  const auto times = times_of(entry);
  if (::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    report(path, errno, "set the time");
  }
}

bool MetadataWriter::matches_status(const struct ::stat& status, const Entry& entry) {
  const auto numbers = wanted_owner(status, entry);
  const auto recorded = owners_.numbers(entry.owner);
  const mode_t mode =
      mode_with_owner(entry, {numbers.uid == recorded.uid, numbers.gid == recorded.gid});
  return status.st_uid == numbers.uid && status.st_gid == numbers.gid &&
         mtime_of(status) == entry.mtime &&
         (entry.type == EntryType::symlink || (status.st_mode & 07777U) == mode);
}

bool MetadataWriter::matches(int descriptor, const Entry& entry) {
  struct ::stat status {};
  if (::fstat(descriptor, &status) != 0 || !matches_status(status, entry)) {
    return false;
  }
  Entry present = present_xattrs(descriptor);
  std::vector<Problem> ignored;
  const std::string no_path;
  read_inode_flags(descriptor, present, {no_path, ignored});
  return present.inode_flags == entry.inode_flags && same_xattrs(present, entry);
}

bool MetadataWriter::matches_at(int folder, const std::string& name, const Entry& entry) {
  struct ::stat status {};
  return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         matches_status(status, entry) && same_xattrs(present_xattrs_at(folder, name), entry);
}

}  // namespace cairn::repo::ops
