#include "ops/restore_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <gsl/gsl>
#include <utility>

#include "ops/tree_reader.h"

namespace cairn::repo::ops {

namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// Nobody else may look into half-restored folders or files: the recorded mode comes last.
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
// Folders above a source, of which nothing was recorded.
constexpr mode_t kUnrecordedFolderMode = 0755;

core::Result<bool> is_empty_folder(const std::string& path) {
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) {
    return core::fail(core::errno_error(error.value(), "look into " + path));
  }
  return empty;
}

core::Result<int> open_retrying(int folder, const std::string& name, int flags, mode_t mode,
                                const std::string& path) {
  while (true) {
    const int descriptor = ::openat(folder, name.c_str(), flags, mode);
    if (descriptor >= 0) {
      return descriptor;
    }
    if (errno != EINTR) {
      return core::fail(core::errno_error(errno, "open " + path));
    }
  }
}

}  // namespace

Descriptor::~Descriptor() { ::close(number_); }

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

RestoreTarget::RestoreTarget(const TargetOptions& options, ProblemList& problems)
    : options_(options),
      problems_(problems),
      owners_(options.numeric_ids),
      is_superuser_(::geteuid() == 0) {}

core::Result<std::unique_ptr<RestoreTarget>> RestoreTarget::open(const TargetOptions& options,
                                                                 ProblemList& problems) {
  std::unique_ptr<RestoreTarget> target(new RestoreTarget(options, problems));
  std::error_code error;
  std::filesystem::create_directories(options.path, error);
  if (error) {
    return core::fail(core::errno_error(error.value(), "make the target folder " + options.path));
  }
  CAIRN_TRY(target->was_empty_, is_empty_folder(options.path));
  if (!target->was_empty_ && !options.overwrite) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("the target {} is not empty", options.path),
                      "name an empty or new folder, or allow existing files to be replaced with "
                      "--overwrite");
  }
  const int descriptor = ::open(options.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return core::fail(core::errno_error(errno, "open the target folder " + options.path));
  }
  target->root_descriptor_ = std::make_shared<Descriptor>(descriptor);
  target->root_ = std::make_shared<TargetFolder>();
  target->root_->path = options.path;
  return target;
}

core::Result<std::shared_ptr<Descriptor>> RestoreTarget::descriptor_of(const TargetFolder& folder) {
  if (folder.parent == nullptr) {
    return root_descriptor_;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_folder_.find(&folder); found != by_folder_.end()) {
      open_.splice(open_.begin(), open_, found->second);
      return found->second->descriptor;
    }
  }
  // Closed to make room: open it again from the nearest folder above that is still open.
  std::vector<const TargetFolder*> closed;
  const TargetFolder* above = &folder;
  std::shared_ptr<Descriptor> descriptor;
  while (descriptor == nullptr) {
    closed.push_back(above);
    above = above->parent.get();
    if (above->parent == nullptr) {
      descriptor = root_descriptor_;
      break;
    }
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_folder_.find(above); found != by_folder_.end()) {
      descriptor = found->second->descriptor;
    }
  }
  for (auto next = closed.rbegin(); next != closed.rend(); ++next) {
    CAIRN_TRY(const int number,
              open_retrying(descriptor->number(), (*next)->name, kFolderFlags, 0, (*next)->path));
    descriptor = std::make_shared<Descriptor>(number);
  }
  remember(folder, descriptor);
  return descriptor;
}

void RestoreTarget::remember(const TargetFolder& folder, std::shared_ptr<Descriptor> descriptor) {
  const std::scoped_lock lock(mutex_);
  if (by_folder_.contains(&folder)) {
    return;
  }
  open_.push_front({&folder, std::move(descriptor)});
  by_folder_[&folder] = open_.begin();
  if (open_.size() > kOpenFoldersMax) {
    by_folder_.erase(open_.back().folder);
    open_.pop_back();
  }
}

void RestoreTarget::forget(const TargetFolder& folder) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_folder_.find(&folder); found != by_folder_.end()) {
    open_.erase(found->second);
    by_folder_.erase(found);
  }
}

core::Status RestoreTarget::clear_way(int folder, const std::string& name, bool for_folder) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return {};  // nothing there; the call that follows says what is wrong, if anything
  }
  const bool is_folder = S_ISDIR(info.st_mode);
  if (for_folder && is_folder) {
    return {};
  }
  if (!options_.overwrite) {
    return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
  }
  if (::unlinkat(folder, name.c_str(), is_folder ? AT_REMOVEDIR : 0) != 0) {
    return core::fail(core::errno_error(errno, "make way by removing " + name));
  }
  return {};
}

core::Result<std::shared_ptr<TargetFolder>> RestoreTarget::make_folder(
    const std::shared_ptr<TargetFolder>& parent, std::string name, std::optional<Entry> entry) {
  auto folder = std::make_shared<TargetFolder>();
  folder->path = join_path(parent->path, name);
  folder->name = std::move(name);
  folder->parent = parent;
  folder->entry = std::move(entry);
  CAIRN_TRY(const auto above, descriptor_of(*parent));
  const mode_t mode = folder->entry ? kFolderMode : kUnrecordedFolderMode;
  if (::mkdirat(above->number(), folder->name.c_str(), mode) != 0) {
    if (errno != EEXIST) {
      return core::fail(core::errno_error(errno, "make folder " + folder->path));
    }
    CAIRN_TRY_STATUS(clear_way(above->number(), folder->name, true));
    if (::mkdirat(above->number(), folder->name.c_str(), mode) != 0 && errno != EEXIST) {
      return core::fail(core::errno_error(errno, "make folder " + folder->path));
    }
  }
  CAIRN_TRY(const int number,
            open_retrying(above->number(), folder->name, kFolderFlags, 0, folder->path));
  remember(*folder, std::make_shared<Descriptor>(number));
  parent->pending += 1;
  return folder;
}

void RestoreTarget::release(std::shared_ptr<TargetFolder> folder) {
  while (folder != nullptr && folder->pending.fetch_sub(1) == 1) {
    if (folder->entry) {
      set_folder_metadata(*folder);
    }
    forget(*folder);
    folder = folder->parent;
  }
}

void RestoreTarget::set_folder_metadata(const TargetFolder& folder) {
  auto descriptor = descriptor_of(folder);
  core::Status status;
  if (!descriptor) {
    status = core::fail(std::move(descriptor).error());
  } else {
    status = set_metadata((*descriptor)->number(), *folder.entry, folder.path);
  }
  if (!status) {
    problems_.add({ProblemKind::incomplete_metadata, folder.path, status.error().message()});
  }
}

core::Result<RestoreTarget::TemporaryFile> RestoreTarget::create_file(const TargetFolder& folder) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  TemporaryFile file;
  file.name = fmt::format("{}{}", options_.temporary_prefix, next_temporary_++);
  CAIRN_TRY(const int number, open_retrying(above->number(), file.name,
                                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                            kFileMode, join_path(folder.path, file.name)));
  file.descriptor = std::make_shared<Descriptor>(number);
  return file;
}

core::Result<std::shared_ptr<Descriptor>> RestoreTarget::reopen_file(const TargetFolder& folder,
                                                                     const std::string& name) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  CAIRN_TRY(const int number, open_retrying(above->number(), name, O_RDWR | O_NOFOLLOW | O_CLOEXEC,
                                            0, join_path(folder.path, name)));
  return std::make_shared<Descriptor>(number);
}

core::Status RestoreTarget::write_at(const Descriptor& file, std::uint64_t offset,
                                     core::ByteView data) {
  while (!data.empty()) {
    const ssize_t written =
        ::pwrite(file.number(), data.data(), data.size(), gsl::narrow_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return core::fail(core::errno_error(errno, "write"));
    }
    counts_.bytes_written += static_cast<std::uint64_t>(written);
    offset += static_cast<std::uint64_t>(written);
    data = data.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

core::Status RestoreTarget::resize(const Descriptor& file, std::uint64_t size_bytes) {
  if (::ftruncate(file.number(), gsl::narrow_cast<off_t>(size_bytes)) != 0) {
    return core::fail(core::errno_error(errno, "set the length"));
  }
  return {};
}

core::Status RestoreTarget::finish_file(const TargetFolder& folder, const TemporaryFile& file,
                                        const Entry& entry) {
  const std::string path = join_path(folder.path, entry.name);
  CAIRN_TRY_STATUS(set_metadata(file.descriptor->number(), entry, path));
  CAIRN_TRY(const auto above, descriptor_of(folder));
  if (::renameat2(above->number(), file.name.c_str(), above->number(), entry.name.c_str(),
                  RENAME_NOREPLACE) == 0) {
    return {};
  }
  if (errno == EEXIST) {
    CAIRN_TRY_STATUS(clear_way(above->number(), entry.name, false));
  } else if (errno != EINVAL && errno != ENOSYS) {
    return core::fail(core::errno_error(errno, "rename to " + path));
  }
  // The way is clear, or the file system has no renameat2: the target is ours to write into.
  if (::renameat(above->number(), file.name.c_str(), above->number(), entry.name.c_str()) != 0) {
    return core::fail(core::errno_error(errno, "rename to " + path));
  }
  return {};
}

void RestoreTarget::discard_file(const TargetFolder& folder, const std::string& temporary_name) {
  if (const auto above = descriptor_of(folder)) {
    ::unlinkat((*above)->number(), temporary_name.c_str(), 0);
  }
}

core::Status RestoreTarget::make_special(const TargetFolder& folder, const Entry& entry) {
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const std::string path = join_path(folder.path, entry.name);
  if (!was_empty_) {
    CAIRN_TRY_STATUS(clear_way(above->number(), entry.name, false));
  }
  int result = 0;
  if (entry.type == EntryType::symlink) {
    result = ::symlinkat(entry.link_target.c_str(), above->number(), entry.name.c_str());
  } else {
    mode_t type = S_IFIFO;
    dev_t device = 0;
    if (entry.type == EntryType::socket) {
      type = S_IFSOCK;
    } else if (entry.type != EntryType::fifo) {
      type = entry.type == EntryType::char_device ? S_IFCHR : S_IFBLK;
      device = ::makedev(entry.device.major, entry.device.minor);
    }
    result = ::mknodat(above->number(), entry.name.c_str(), type | kFileMode, device);
    if (result != 0 && errno == EPERM && device != 0 && !is_superuser_) {
      counts_.skipped_special += 1;
      return core::fail(core::ErrorCode::permission_denied, "only the superuser may make devices");
    }
  }
  if (result != 0) {
    return core::fail(core::errno_error(errno, "make " + path));
  }
  return set_link_metadata(above->number(), entry, path);
}

core::Status RestoreTarget::make_hard_link(const TargetFolder& root_folder, std::string_view first,
                                           const TargetFolder& folder, const std::string& name) {
  CAIRN_TRY(auto from, descriptor_of(root_folder));
  std::string_view rest = first;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    const std::string part(rest.substr(0, slash));
    CAIRN_TRY(const int number, open_retrying(from->number(), part, kFolderFlags, 0, part));
    from = std::make_shared<Descriptor>(number);
    rest.remove_prefix(slash + 1);
  }
  CAIRN_TRY(const auto above, descriptor_of(folder));
  const std::string path = join_path(folder.path, name);
  if (!was_empty_) {
    CAIRN_TRY_STATUS(clear_way(above->number(), name, false));
  }
  const std::string from_name(rest);
  if (::linkat(from->number(), from_name.c_str(), above->number(), name.c_str(), 0) != 0) {
    return core::fail(core::errno_error(errno, fmt::format("link {} to {}", path, first)));
  }
  return {};
}

}  // namespace cairn::repo::ops
