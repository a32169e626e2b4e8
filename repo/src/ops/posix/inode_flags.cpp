#include "ops/posix/inode_flags.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>

#include "cairn/core/descriptor.h"
#include "cairn/repo/entry.h"

namespace cairn::repo::ops {

namespace {

struct FlagName {
  InodeFlag recorded;
  unsigned system;
  std::string_view name;
};
constexpr std::array<FlagName, kInodeFlagCount> kFlags{{
    {InodeFlag::append_only, FS_APPEND_FL, "append only"},
    {InodeFlag::immutable, FS_IMMUTABLE_FL, "immutable"},
    {InodeFlag::no_dump, FS_NODUMP_FL, "no dump"},
    {InodeFlag::no_copy_on_write, FS_NOCOW_FL, "no copy-on-write"},
    {InodeFlag::no_atime, FS_NOATIME_FL, "no access time"},
    {InodeFlag::synchronous, FS_SYNC_FL, "synchronous"},
    {InodeFlag::project_inherit, FS_PROJINHERIT_FL, "project inheritance"},
    {InodeFlag::compressed, FS_COMPR_FL, "compressed"},
}};
constexpr unsigned kHindering = FS_APPEND_FL | FS_IMMUTABLE_FL;
constexpr unsigned kOfEmptyFiles = FS_NOCOW_FL | FS_COMPR_FL;

unsigned system_flags(unsigned recorded) {
  unsigned flags = 0;
  for (const FlagName& flag : kFlags) {
    if ((recorded & (1U << static_cast<unsigned>(flag.recorded))) != 0) {
      flags |= flag.system;
    }
  }
  return flags;
}

bool write_system_flags(int descriptor, unsigned flags) {
  return core::uninterrupted([&] { return ::ioctl(descriptor, FS_IOC_SETFLAGS, &flags); }) == 0;
}

}  // namespace

std::optional<unsigned> read_system_flags(int descriptor) {
  unsigned flags = 0;  // the kernel writes an int, whatever the request's number says
  if (core::uninterrupted([&] { return ::ioctl(descriptor, FS_IOC_GETFLAGS, &flags); }) != 0) {
    return std::nullopt;
  }
  return flags;
}

std::uint8_t recorded_flags(unsigned system_flags) noexcept {
  unsigned recorded = 0;
  for (const FlagName& flag : kFlags) {
    if ((system_flags & flag.system) != 0) {
      recorded |= 1U << static_cast<unsigned>(flag.recorded);
    }
  }
  return static_cast<std::uint8_t>(recorded);
}

void set_flags_of_empty_file(int descriptor, std::uint8_t recorded) {
  const auto present = read_system_flags(descriptor);
  if (!present) {
    return;
  }
  const unsigned wanted = (*present & ~kOfEmptyFiles) | (system_flags(recorded) & kOfEmptyFiles);
  if (wanted != *present) {
    write_system_flags(descriptor, wanted);
  }
}

void set_inode_flags(
    int descriptor, std::uint8_t recorded, std::uint8_t mask,
    const std::function<void(std::string_view flag, int error_number)>& on_failure) {
  const auto present = read_system_flags(descriptor);
  const unsigned before = present.value_or(0);
  const unsigned wanted = (before & ~system_flags(mask)) | system_flags(recorded & mask);
  if (wanted == before || (present && write_system_flags(descriptor, wanted))) {
    return;
  }
  // One flag that cannot be set must not prevent the others.
  unsigned reached = before;
  for (const FlagName& flag : kFlags) {
    if (((wanted ^ before) & flag.system) == 0) {
      continue;
    }
    if (present && write_system_flags(descriptor, reached ^ flag.system)) {
      reached ^= flag.system;
    } else {
      on_failure(flag.name, present ? errno : EOPNOTSUPP);
    }
  }
}

unsigned lift_hindering_flags(int descriptor) {
  const auto present = read_system_flags(descriptor);
  if (!present || (*present & kHindering) == 0 ||
      !write_system_flags(descriptor, *present & ~kHindering)) {
    return 0;
  }
  return *present & kHindering;
}

bool lift_flags_in_the_way(int folder, const std::string& name, int refusal) {
  if (refusal != EPERM && refusal != EACCES) {
    return false;
  }
  const core::Descriptor object(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return object.number() >= 0 && lift_hindering_flags(object.number()) != 0;
}

void put_back_flags(int descriptor, unsigned lifted) {
  if (const auto present = read_system_flags(descriptor); present && lifted != 0) {
    write_system_flags(descriptor, *present | lifted);
  }
}

}  // namespace cairn::repo::ops
