#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/posix/inode_flags.h"
#include "ops/target/database_sides.h"
#include "ops/target/restore_target.h"
#include "ops/tree/tree_reader.h"

// The half of RestoreTarget that gives names: files, special objects, hard links.

namespace cairn::repo::ops {

namespace {

constexpr mode_t kFileMode = 0600;

dev_t device_of(const Entry& entry) {
  const bool is_device =
      entry.type == EntryType::char_device || entry.type == EntryType::block_device;
  return is_device ? ::makedev(entry.device.major, entry.device.minor) : dev_t{0};
}

mode_t type_bits(EntryType type) {
  switch (type) {
    case EntryType::socket:
      return S_IFSOCK;
    case EntryType::char_device:
      return S_IFCHR;
    case EntryType::block_device:
      return S_IFBLK;
    default:
      return S_IFIFO;
  }
}

bool is_forbidden(int error_number) { return error_number == EPERM || error_number == EACCES; }

/// Opens whatever has the name to take hindering flags away. True if there were some.
bool lift_flags_of(int folder, const std::string& name) {
  const Descriptor object(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return object.number() >= 0 && lift_hindering_flags(object.number()) != 0;
}

}  // namespace

core::Result<std::shared_ptr<Descriptor>> RestoreTarget::open_file(const TargetFolder& folder,
                                                                   const std::string& name,
                                                                   int flags) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const int all_flags = flags | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
  int number = opener_.open(above->number(), name, all_flags);
  if (number < 0 && is_forbidden(errno) && (flags & O_ACCMODE) != O_RDONLY &&
      lift_flags_of(above->number(), name)) {
    number = opener_.open(above->number(), name, all_flags);
  }
  if (number < 0) {
    return core::fail(core::errno_error(errno, "open what is there"));
  }
  return std::make_shared<Descriptor>(number);
}

core::Result<std::shared_ptr<Descriptor>> RestoreTarget::create_file(TargetFolder& folder,
                                                                     const std::string& name,
                                                                     const Entry& entry) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int number = opener_.open(above->number(), name, flags, kFileMode);
  if (number < 0 && errno == EEXIST && ::unlinkat(above->number(), name.c_str(), 0) == 0) {
    number = opener_.open(above->number(), name, flags, kFileMode);  // left by an earlier restore
  }
  if (number < 0) {
    return core::fail(core::errno_error(errno, "make a temporary file"));
  }
  auto file = std::make_shared<Descriptor>(number);
  prepare_new_file(folder, number, entry);
  return file;
}

void RestoreTarget::prepare_new_file(TargetFolder& folder, int file, const Entry& entry) {
  if (!folder.existed) {
    std::call_once(folder.new_files_seen, [&] { folder.new_files = new_file_traits(file); });
  }
  if (entry.inode_flags != 0 || folder.existed) {  // folders that are there may pass flags on
    set_flags_of_empty_file(file, entry.inode_flags);
  }
}

core::Result<std::shared_ptr<Descriptor>> RestoreTarget::create_unnamed(TargetFolder& folder,
                                                                        const Entry& entry) {
  if (!may_have_unnamed_) {
    return nullptr;
  }
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const int number = core::uninterrupted(
      [&] { return ::openat(above->number(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode); });
  if (number < 0) {
    // Some file systems and old kernels say so in other words: a name will tell what is wrong.
    may_have_unnamed_ = false;
    return nullptr;
  }
  auto file = std::make_shared<Descriptor>(number);
  prepare_new_file(folder, number, entry);
  return file;
}

core::Status RestoreTarget::link_unnamed(const TargetFolder& folder, int file,
                                         const std::string& name) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  if (links_descriptors_) {
    if (::linkat(file, "", above->number(), name.c_str(), AT_EMPTY_PATH) == 0) {
      return {};
    }
    // Before Linux 6.10 only who may read everything may do that.
    links_descriptors_ = errno != ENOENT && errno != EPERM && errno != EINVAL;
  }
  if (!links_descriptors_) {
    const std::string path = fmt::format("/proc/self/fd/{}", file);
    if (::linkat(AT_FDCWD, path.c_str(), above->number(), name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      return {};
    }
  }
  if (errno == EEXIST) {
    return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
  }
  return core::fail(core::errno_error(errno, "name " + join_path(folder.path, name)));
}

std::vector<std::string> RestoreTarget::sides_of(TargetFolder& folder, const std::string& name) {
  std::vector<std::string> standing;
  if (folder.sides.empty()) {
    return standing;
  }
  for (std::string& side : side_names(name)) {
    if (std::ranges::binary_search(folder.sides, side)) {
      standing.push_back(std::move(side));
    }
  }
  return standing;
}

bool RestoreTarget::have_log(const TargetFolder& folder, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    const auto file = open_file(folder, name, O_RDONLY);
    return file && is_database_log((*file)->number());
  });
}

core::Status RestoreTarget::set_aside(const TargetFolder& folder, const std::string& name,
                                      const std::string& temporary_name) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const int in = above->number();
  if (::renameat2(in, name.c_str(), in, temporary_name.c_str(), RENAME_NOREPLACE) == 0 ||
      (errno == EINVAL && ::renameat(in, name.c_str(), in, temporary_name.c_str()) == 0)) {
    return {};
  }
  return core::fail(core::errno_error(errno, "rename " + join_path(folder.path, name)));
}

core::Status RestoreTarget::unlink_name(int folder, const std::string& name,
                                        const std::string& path) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) {
    return {};
  }
  const int reason = errno;
  if (is_forbidden(reason) && lift_flags_of(folder, name) &&
      ::unlinkat(folder, name.c_str(), 0) == 0) {
    return {};
  }
  return core::fail(core::errno_error(reason, "remove " + path));
}

core::Status RestoreTarget::make_way(int folder, const TargetFolder& in, const std::string& name) {
  struct ::stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return {};
  }
  const std::string path = join_path(in.path, name);
  if (!S_ISDIR(status.st_mode)) {
    return unlink_name(folder, name, path);
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0) {
    return {};
  }
  if (!options_.delete_extra) {
    return core::fail(core::ErrorCode::already_exists,
                      "a folder that is not empty has its name, and nothing is deleted without "
                      "--delete");
  }
  CAIRN_TRY(const bool is_gone,
            remove_tree(folder, {name, path, join_path(in.snapshot_path, name)}, 0));
  return is_gone ? core::Status()
                 : core::fail(core::ErrorCode::already_exists,
                              "a folder has its name that could not be removed");
}

core::Status RestoreTarget::give_name(const TargetFolder& folder, const std::string& temporary_name,
                                      const std::string& name) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const int in = above->number();
  if (::renameat2(in, temporary_name.c_str(), in, name.c_str(), RENAME_NOREPLACE) == 0) {
    return {};
  }
  const std::string path = join_path(folder.path, name);
  if (errno != EEXIST && errno != EINVAL && errno != ENOSYS) {
    return core::fail(core::errno_error(errno, "rename to " + path));
  }
  if (errno == EEXIST &&
      (options_.overwrite == Overwrite::refuse || options_.overwrite == Overwrite::never)) {
    return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
  }
  // One step from the old to the new; only what cannot be renamed over is removed first.
  if (::renameat(in, temporary_name.c_str(), in, name.c_str()) == 0) {
    return {};
  }
  if (is_forbidden(errno) && lift_flags_of(in, name) &&
      ::renameat(in, temporary_name.c_str(), in, name.c_str()) == 0) {
    return {};
  }
  if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST) {
    CAIRN_TRY_STATUS(make_way(in, folder, name));
    if (::renameat(in, temporary_name.c_str(), in, name.c_str()) == 0) {
      return {};
    }
  }
  return core::fail(core::errno_error(errno, "rename to " + path));
}

void RestoreTarget::discard(const TargetFolder& folder, const std::string& temporary_name) {
  if (const auto above = descriptor_of(folder)) {
    static_cast<void>(::unlinkat((*above)->number(), temporary_name.c_str(), 0));
  }
}

bool RestoreTarget::is_same_special(int folder, const struct ::stat& standing, const Entry& entry) {
  if (!same_type(standing, entry.type)) {
    return false;
  }
  if (entry.type == EntryType::symlink) {
    std::array<char, kLinkTargetBytesMax + 1> target{};
    const ssize_t size = ::readlinkat(folder, entry.name.c_str(), target.data(), target.size());
    return size >= 0 &&
           std::string_view(target.data(), static_cast<std::size_t>(size)) == entry.link_target;
  }
  return standing.st_rdev == device_of(entry);
}

core::Status RestoreTarget::make_node(int folder, const std::string& name, const Entry& entry,
                                      const std::string& path) {
  const dev_t device = device_of(entry);
  const int result =
      entry.type == EntryType::symlink
          ? ::symlinkat(entry.link_target.c_str(), folder, name.c_str())
          : ::mknodat(folder, name.c_str(), type_bits(entry.type) | kFileMode, device);
  if (result == 0) {
    metadata_.set_at(folder, name, entry, path);
    return {};
  }
  if (errno == EPERM && device != 0 && !metadata_.is_superuser()) {
    log_.skip(Skipped::special, path, "device");
    return core::fail(core::ErrorCode::permission_denied, "only the superuser may make devices");
  }
  return core::fail(core::errno_error(errno, "make " + path));
}

core::Status RestoreTarget::make_special(const TargetFolder& folder, const Entry& entry) {
  const std::string path = join_path(folder.path, entry.name);
  CAIRN_TRY(const Standing standing, look(folder, entry.name));
  const Verdict verdict = judge(standing, entry, path);
  if (verdict == Verdict::keep) {
    log_.done(RestoreAction::kept, path);
    return {};
  }
  if (verdict == Verdict::refuse) {
    return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
  }
  if (!standing) {
    if (!options_.dry_run) {
      CAIRN_TRY(const auto above, descriptor_of(folder));
      CAIRN_TRY_STATUS(make_node(above->number(), entry.name, entry, path));
    }
    log_.done(RestoreAction::created, path);
    log_.stands(entry, false);
    return {};
  }
  CAIRN_TRY(const auto above, descriptor_of(folder));
  if (is_same_special(above->number(), *standing, entry)) {
    if (metadata_.matches_at(above->number(), entry.name, entry)) {
      log_.done(RestoreAction::unchanged, path);
      log_.stands(entry, true);
      return {};
    }
    if (!options_.dry_run) {
      metadata_.set_at(above->number(), entry.name, entry, path);
    }
    log_.done(RestoreAction::metadata_set, path);
    log_.stands(entry, true);
    return {};
  }
  if (!options_.dry_run) {
    const std::string temporary = fmt::format("{}node-{}", kTemporaryPrefix, next_temporary_++);
    static_cast<void>(::unlinkat(above->number(), temporary.c_str(), 0));
    auto made = make_node(above->number(), temporary, entry, path);
    if (made) {
      made = give_name(folder, temporary, entry.name);
    }
    if (!made) {
      discard(folder, temporary);
      return made;
    }
  }
  log_.done(RestoreAction::updated, path);
  log_.stands(entry, false);
  return {};
}

core::Status RestoreTarget::link_as(const LinkSource& from, const TargetFolder& folder,
                                    const std::string& name, bool is_new) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const std::string as =
      is_new ? name : fmt::format("{}link-{}", kTemporaryPrefix, next_temporary_++);
  const auto link = [&] {
    return ::linkat(from.folder->number(), from.name.c_str(), above->number(), as.c_str(), 0) == 0;
  };
  if (!link() &&
      (is_new || errno != EEXIST || ::unlinkat(above->number(), as.c_str(), 0) != 0 || !link())) {
    return core::fail(core::errno_error(
        errno, fmt::format("link {} to {}", join_path(folder.path, name), from.name)));
  }
  if (is_new) {
    return {};
  }
  auto named = give_name(folder, as, name);
  if (!named) {
    discard(folder, as);
  }
  return named;
}

core::Status RestoreTarget::make_hard_link(const TargetFolder& root_folder,
                                           const std::string& first, const TargetFolder& folder,
                                           const Entry& entry) {
  const std::string path = join_path(folder.path, entry.name);
  CAIRN_TRY(const Standing standing, look(folder, entry.name));
  if (judge(standing, entry, path) == Verdict::keep) {
    log_.done(RestoreAction::kept, path);
    return {};
  }
  if (options_.dry_run && (root_folder.is_missing || !standing)) {
    log_.done(standing ? RestoreAction::updated : RestoreAction::created, path);
    log_.stands(entry, false);
    return {};
  }
  LinkSource from;
  CAIRN_TRY(from.folder, descriptor_of(root_folder));
  const auto slash = first.rfind('/');
  if (slash != std::string::npos) {
    from.folder = std::make_shared<Descriptor>(opener_.open(
        from.folder->number(), first.substr(0, slash), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  from.name = first.substr(slash == std::string::npos ? 0 : slash + 1);
  struct ::stat status {};
  const bool is_there =
      ::fstatat(from.folder->number(), from.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!is_there && !options_.dry_run) {
    return core::fail(core::errno_error(errno, fmt::format("link {} to {}", path, first)));
  }
  if (is_there && standing && standing->st_dev == status.st_dev &&
      standing->st_ino == status.st_ino) {
    log_.done(RestoreAction::unchanged, path);
    log_.stands(entry, true);
    return {};
  }
  if (!options_.dry_run) {
    auto linked = link_as(from, folder, entry.name, !standing);
    if (!linked && linked.error().code() == core::ErrorCode::permission_denied) {
      // Its flags are set already, and some forbid a further name.
      const Descriptor object(::openat(from.folder->number(), from.name.c_str(),
                                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
      if (const unsigned lifted = lift_hindering_flags(object.number()); lifted != 0) {
        linked = link_as(from, folder, entry.name, !standing);
        put_back_flags(object.number(), lifted);
      }
    }
    CAIRN_TRY_STATUS(std::move(linked));
  }
  log_.done(standing ? RestoreAction::updated : RestoreAction::created, path);
  log_.stands(entry, false);
  return {};
}

bool RestoreTarget::keeps_another(const TargetFolder& root_folder, const std::string& first,
                                  const Entry& entry) {
  if (!root_folder.existed || root_folder.is_missing ||
      (options_.overwrite != Overwrite::never && options_.overwrite != Overwrite::if_newer)) {
    return false;
  }
  const Descriptor object(
      opener_.open(root_descriptor_->number(),
                   root_folder.parent == nullptr ? first : below_target(root_folder) + '/' + first,
                   O_PATH | O_CLOEXEC));
  struct ::stat status {};
  if (object.number() < 0 || ::fstat(object.number(), &status) != 0 ||
      ops::judge(options_.overwrite, Standing(status), entry) != Verdict::keep) {
    return false;
  }
  // Restored a moment ago, or as good as: a link to it is right.
  const bool is_it = same_type(status, entry.type) && mtime_of(status) == entry.mtime &&
                     (entry.type != EntryType::file ||
                      static_cast<std::uint64_t>(status.st_size) == entry.content.size_bytes);
  return !is_it;
}

}  // namespace cairn::repo::ops
