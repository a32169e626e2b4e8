#include "ops/target/target_names.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/posix/inode_flags.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

constexpr mode_t kFileMode = 0600;

/// For a file that is still empty.
void prepare_new_file(TargetFolder& folder, int file, const Entry& entry) {
  if (!folder.existed) {
    std::call_once(folder.new_files_seen, [&] { folder.new_files = new_file_traits(file); });
  }
  if (entry.inode_flags != 0 || folder.existed) {  // existing folders may pass flags on
    set_flags_of_empty_file(file, entry.inode_flags);
  }
}

}  // namespace

TargetNames::TargetNames(const TargetOptions& options, FolderTable& folders,
                         TargetDeletion& deletion)
    : options_(options),
      folders_(folders),
      deletion_(deletion),
      may_have_unnamed_(options.unnamed != UnnamedFiles::are_named &&
                        ::access("/proc/self/fd", X_OK) == 0),
      links_descriptors_(options.unnamed == UnnamedFiles::best) {}

core::Result<Standing> TargetNames::look(const TargetFolder& folder, const std::string& name) {
  if (!folder.existed) {
    return Standing();
  }
  CAIRN_TRY(const auto above, folders_.get(folder));
  struct ::stat status {};
  if (::fstatat(above->number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return Standing(status);
  }
  if (errno == ENOENT) {
    return Standing();
  }
  return core::fail(core::errno_error(errno, "look at " + join_path(folder.path, name)));
}

core::Result<std::vector<std::string>> TargetNames::list(const TargetFolder& folder) {
  if (!folder.existed) {
    return std::vector<std::string>();
  }
  CAIRN_TRY(const auto descriptor, folders_.get(folder));
  return list_names(descriptor->number(), folder.path);
}

core::Result<std::shared_ptr<Descriptor>> TargetNames::open(const TargetFolder& folder,
                                                            const std::string& name, int flags) {
  CAIRN_TRY(const auto above, folders_.get(folder));
  const int all_flags = flags | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
  int number = folders_.opener().open(above->number(), name, all_flags);
  if (number < 0 && (flags & O_ACCMODE) != O_RDONLY &&
      lift_flags_in_the_way(above->number(), name, errno)) {
    number = folders_.opener().open(above->number(), name, all_flags);
  }
  if (number < 0) {
    return core::fail(core::errno_error(errno, "open what is there"));
  }
  return std::make_shared<Descriptor>(number);
}

core::Result<std::shared_ptr<Descriptor>> TargetNames::create(TargetFolder& folder,
                                                              const std::string& name,
                                                              const Entry& entry) {
  CAIRN_TRY(const auto above, folders_.get(folder));
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int number = folders_.opener().open(above->number(), name, flags, kFileMode);
  if (number < 0 && errno == EEXIST && ::unlinkat(above->number(), name.c_str(), 0) == 0) {
    number = folders_.opener().open(above->number(), name, flags,
                                    kFileMode);  // left by an earlier restore
  }
  if (number < 0) {
    return core::fail(core::errno_error(errno, "make a temporary file"));
  }
  auto file = std::make_shared<Descriptor>(number);
  prepare_new_file(folder, number, entry);
  return file;
}

core::Result<std::shared_ptr<Descriptor>> TargetNames::create_unnamed(TargetFolder& folder,
                                                                      const Entry& entry) {
  if (!may_have_unnamed_) {
    return nullptr;
  }
  CAIRN_TRY(const auto above, folders_.get(folder));
  const int number = core::uninterrupted(
      [&] { return ::openat(above->number(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode); });
  if (number < 0) {
    // Some file systems and old kernels report this differently: a name will show what is wrong.
    may_have_unnamed_ = false;
    return nullptr;
  }
  auto file = std::make_shared<Descriptor>(number);
  prepare_new_file(folder, number, entry);
  return file;
}

std::string TargetNames::new_temporary_name(std::string_view kind) {
  return fmt::format("{}{}-{}", kTemporaryPrefix, kind, next_temporary_++);
}

core::Status TargetNames::link_unnamed(const TargetFolder& folder, int file,
                                       const std::string& name) {
  CAIRN_TRY(const auto above, folders_.get(folder));
  if (links_descriptors_) {
    if (::linkat(file, "", above->number(), name.c_str(), AT_EMPTY_PATH) == 0) {
      return {};
    }
    // Before Linux 6.10 only a user who may read everything may do that.
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

core::Status TargetNames::set_aside(const TargetFolder& folder, const std::string& name,
                                    const std::string& temporary_name) {
  CAIRN_TRY(const auto above, folders_.get(folder));
  const int in = above->number();
  if (::renameat2(in, name.c_str(), in, temporary_name.c_str(), RENAME_NOREPLACE) == 0 ||
      (errno == EINVAL && ::renameat(in, name.c_str(), in, temporary_name.c_str()) == 0)) {
    return {};
  }
  return core::fail(core::errno_error(errno, "rename " + join_path(folder.path, name)));
}

core::Status TargetNames::make_way(int folder, const TargetFolder& in, const std::string& name) {
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
            deletion_.remove_tree(folder, {name, path, join_path(in.snapshot_path, name)}));
  return is_gone ? core::Status()
                 : core::fail(core::ErrorCode::already_exists,
                              "a folder has its name that could not be removed");
}

core::Status TargetNames::give(const TargetFolder& folder, const std::string& temporary_name,
                               const std::string& name) {
  CAIRN_TRY(const auto above, folders_.get(folder));
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
  // One step from the old file to the new; only what cannot be renamed over is removed first.
  if (::renameat(in, temporary_name.c_str(), in, name.c_str()) == 0) {
    return {};
  }
  if (lift_flags_in_the_way(in, name, errno) &&
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

void TargetNames::discard(const TargetFolder& folder, const std::string& temporary_name) {
  if (const auto above = folders_.get(folder)) {
    static_cast<void>(::unlinkat((*above)->number(), temporary_name.c_str(), 0));
  }
}

}  // namespace cairn::repo::ops
