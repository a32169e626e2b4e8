#include "ops/source/source_object.h"

#include <unistd.h>

#include <array>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/posix/owner_names.h"

namespace cairn::repo::ops {
namespace {

int read_link(WalkItem& item) {
  std::array<char, kLinkTargetBytesMax + 1> target;
  const ::ssize_t size = core::uninterrupted([&] {
    return ::readlinkat(item.folder->descriptor(), item.file_name.c_str(), target.data(),
                        target.size());
  });
  if (size < 0) {
    return errno;
  }
  if (static_cast<std::size_t>(size) > kLinkTargetBytesMax) {
    return ENAMETOOLONG;
  }
  item.entry.link_target.assign(target.data(), static_cast<std::size_t>(size));
  return 0;
}

}  // namespace

bool ObjectMark::is_same(const ObjectMark& other) const noexcept {
  if (inode != other.inode || type != other.type) {
    return false;
  }
  if (birth_time && other.birth_time) {
    return *birth_time == *other.birth_time;
  }
  return mtime == other.mtime && size_bytes == other.size_bytes;
}

ObjectMark mark_of(const WalkItem& item) noexcept {
  return {.inode = item.inode,
          .birth_time = item.birth_time,
          .type = item.entry.type,
          .mtime = item.entry.mtime,
          .size_bytes = item.size_bytes};
}

void forget_object(WalkItem& item) {
  Entry entry;
  entry.name = std::move(item.entry.name);
  item.entry = std::move(entry);
  item.size_bytes = 0;
  item.must_be_read();
}

void fill_item(WalkItem& item, const Statx& status, const Owner& owner) {
  item.entry.mode = static_cast<std::uint16_t>(status.stx_mode & 07777);
  item.entry.owner = owner;
  item.entry.mtime = to_timestamp(status.stx_mtime);
  item.birth_time = birth_time(status);
  item.ctime = to_timestamp(status.stx_ctime);
  item.inode = inode_id(status);
  item.link_count = status.stx_nlink;
}

bool is_worth_another_look(int error_number) noexcept {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case EINVAL:  // readlink() of something that is no link
    case ELOOP:   // O_NOFOLLOW met a link
    case ESTALE:  // a file server has removed it
      return true;
    default:
      return false;
  }
}

int describe_leaf(WalkItem& item, const Statx& status, std::vector<Problem>& problems) {
  if (item.entry.type == EntryType::symlink) {
    if (const int error_number = read_link(item); error_number != 0) {
      return error_number;
    }
  } else if (item.entry.type == EntryType::char_device ||
             item.entry.type == EntryType::block_device) {
    item.entry.device = {status.stx_rdev_major, status.stx_rdev_minor};
  }
  read_xattrs_at(item.folder->descriptor(), item.file_name, item.entry, {item.path, problems});
  return 0;
}

core::Result<std::optional<SourceFile>> open_what_is_there(WalkItem& item,
                                                           std::vector<Problem>& problems) {
  for (int look = 1;; ++look) {
    auto file = SourceFile::open(item);
    if (file) {
      if (!file->is(item)) {
        file->describe(item);
      }
      return std::optional(std::move(*file));
    }
    const core::ErrorCode code = file.error().code();
    if ((code != core::ErrorCode::changed && code != core::ErrorCode::not_found) ||
        look == kLooksMax) {
      return core::fail(std::move(file).error());
    }
    // A rename puts one object in the place of another without a moment in which the name is
    // missing. So it is gone only if it is not there now.
    Statx status{};
    if (const int error_number = stat_at(item.folder->descriptor(), item.file_name.c_str(), status);
        error_number != 0) {
      return core::fail(core::Error(core::errno_error(error_number, "").code(),
                                    "open file: " + reason_of(error_number)));
    }
    const auto type = entry_type(status);
    if (type == EntryType::file) {
      continue;
    }
    if (!type || type == EntryType::folder) {
      return core::fail(core::ErrorCode::changed,
                        "a folder has taken its name; the next backup will take that");
    }
    Owner owner{.uid = status.stx_uid, .gid = status.stx_gid, .user = {}, .group = {}};
    OwnerNames().fill(owner);
    forget_object(item);
    item.entry.type = *type;
    fill_item(item, status, owner);
    const int error_number = describe_leaf(item, status, problems);
    if (error_number == 0) {
      return std::nullopt;
    }
    if (!is_worth_another_look(error_number)) {
      return core::fail(core::Error(core::errno_error(error_number, "").code(),
                                    "read link: " + reason_of(error_number)));
    }
  }
}

}  // namespace cairn::repo::ops
