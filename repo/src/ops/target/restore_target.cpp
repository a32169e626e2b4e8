#include "ops/target/restore_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <utility>

#include "ops/posix/inode_flags.h"
#include "ops/target/database_sides.h"
#include "ops/tree/tree_reader.h"

// Folders: finding, making, listing and finishing them.

namespace cairn::repo::ops {

namespace {

constexpr int kListedFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// Nobody else may look into half-restored folders: the recorded mode comes last.
// It also is that of folders of which nothing was recorded: what they protected stays private.
constexpr mode_t kFolderMode = 0700;

}  // namespace

RestoreTarget::RestoreTarget(const TargetOptions& options, RestoreLog& log)
    : options_(options),
      log_(log),
      metadata_(options.metadata, log),
      opener_(options.opening),
      root_(std::make_shared<TargetFolder>()),
      may_have_unnamed_(options.unnamed != UnnamedFiles::are_named &&
                        ::access("/proc/self/fd", X_OK) == 0),
      links_descriptors_(options.unnamed == UnnamedFiles::best) {
  root_->path = options.path;
}

core::Result<std::unique_ptr<RestoreTarget>> RestoreTarget::open(const TargetOptions& options,
                                                                 RestoreLog& log) {
  std::unique_ptr<RestoreTarget> target(new RestoreTarget(options, log));
  if (const std::string_view what = options.protects.find_above(options.path); !what.empty()) {
    return core::fail(
        core::ErrorCode::invalid_argument,
        fmt::format("the target {} lies in {} that this restore works with", options.path, what),
        "name another folder");
  }
  std::error_code error;
  if (options.dry_run) {
    if (!std::filesystem::exists(options.path, error)) {
      target->root_->is_missing = true;
      return target;
    }
  } else {
    std::filesystem::create_directories(options.path, error);
    if (error) {
      return core::fail(core::errno_error(error.value(), "make the target folder " + options.path));
    }
  }
  CAIRN_TRY_STATUS(target->open_root());
  return target;
}

core::Status RestoreTarget::open_root() {
  const std::string& path = options_.path;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return core::fail(core::errno_error(errno, "open the target folder " + path));
  }
  root_descriptor_ = std::make_shared<Descriptor>(descriptor);
  // Held as long as the descriptor is open. A file system without locks has to do without.
  if (!options_.dry_run && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return core::fail(core::ErrorCode::busy,
                      fmt::format("another restore writes into {} right now", path));
  }
  root_->existed = true;
  CAIRN_TRY(const auto names, names_in(*root_));
  root_->existed = !names.empty();
  std::ranges::copy_if(names, std::back_inserter(root_->sides), is_side_name);
  if (root_->existed && options_.overwrite == Overwrite::refuse) {
    return core::fail(
        core::ErrorCode::invalid_argument, fmt::format("the target {} is not empty", path),
        "name an empty or new folder, or say with --overwrite what happens to what is "
        "there (if-changed goes on with a restore that was interrupted)");
  }
  if (!options_.dry_run) {
    root_->lifted_flags = lift_hindering_flags(descriptor);
  }
  return {};
}

Verdict RestoreTarget::judge(const Standing& standing, const Entry& entry,
                             const std::string& path) {
  if (standing) {
    if (const std::string_view what = options_.protects.find(*standing); !what.empty()) {
      log_.warning(
          fmt::format("{} is {} that this restore works with: it is left as it is", path, what));
      return Verdict::keep;
    }
  }
  return ops::judge(options_.overwrite, standing, entry);
}

std::string RestoreTarget::below_target(const TargetFolder& folder) const {
  return folder.path.substr(options_.path.size() + (options_.path.ends_with('/') ? 0 : 1));
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
  return reopen(folder);
}

/// The folder was closed to make room for others: it is opened from the nearest one above it that
/// is open. If that is far, the folders between are kept open, too, as many as may be without
/// closing all others: they are finished next, and if each were looked for from the top, a tree of
/// n levels would take n * n steps.
core::Result<std::shared_ptr<Descriptor>> RestoreTarget::reopen(const TargetFolder& folder) {
  std::vector<const TargetFolder*> closed;  // from the folder upwards
  std::shared_ptr<Descriptor> above = root_descriptor_;
  {
    const std::scoped_lock lock(mutex_);
    for (const TargetFolder* at = &folder; at->parent != nullptr; at = at->parent.get()) {
      if (const auto found = by_folder_.find(at); found != by_folder_.end()) {
        above = found->second->descriptor;
        break;
      }
      closed.push_back(at);
    }
  }
  const std::size_t kept =
      closed.size() > kFarLevels ? std::min(closed.size(), kOpenFoldersMax / 2) : 1;
  std::string path;
  while (!closed.empty()) {
    const TargetFolder& next = *closed.back();
    closed.pop_back();
    path += (path.empty() ? "" : "/") + next.name;
    if (closed.size() >= kept) {
      continue;
    }
    const int number = opener_.open(above->number(), path, kListedFolderFlags);
    if (number < 0 && closed.empty()) {
      return core::fail(core::errno_error(errno, "open folder " + next.path));
    }
    if (number < 0) {
      continue;  // one that may be passed but not read
    }
    above = std::make_shared<Descriptor>(number);
    remember(next, above);
    path.clear();
  }
  return above;
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

core::Result<Standing> RestoreTarget::look(const TargetFolder& folder, const std::string& name) {
  if (!folder.existed) {
    return Standing();
  }
  CAIRN_TRY(const auto above, descriptor_of(folder));
  struct ::stat status {};
  if (::fstatat(above->number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return Standing(status);
  }
  if (errno == ENOENT) {
    return Standing();
  }
  return core::fail(core::errno_error(errno, "look at " + join_path(folder.path, name)));
}

core::Result<std::vector<std::string>> RestoreTarget::names_in(const TargetFolder& folder) {
  if (!folder.existed) {
    return std::vector<std::string>();
  }
  CAIRN_TRY(const auto descriptor, descriptor_of(folder));
  return list_names(descriptor->number(), folder.path);
}

void RestoreTarget::describe_root(Entry entry, std::string snapshot_path) {
  root_->snapshot_path = std::move(snapshot_path);
  struct ::stat status {};
  const bool keeps = root_->existed && ::fstat(root_descriptor_->number(), &status) == 0 &&
                     keeps_folder_metadata(options_.overwrite, status, entry);
  if (keeps) {
    return;
  }
  if (root_->is_missing) {
    log_.stands(entry, false);
  }
  root_->entry = std::move(entry);
  if (root_->existed && !options_.dry_run && !metadata_.is_superuser() &&
      (status.st_mode & kFolderMode) != kFolderMode) {
    static_cast<void>(
        ::fchmod(root_descriptor_->number(), (status.st_mode & 07777U) | kFolderMode));
  }
}

core::Status RestoreTarget::enter_folder(TargetFolder& folder, const Standing& standing) {
  folder.existed = true;
  if (const auto names = names_in(folder)) {
    std::ranges::copy_if(*names, std::back_inserter(folder.sides), is_side_name);
  }
  if (folder.entry && keeps_folder_metadata(options_.overwrite, *standing, *folder.entry)) {
    folder.entry.reset();
  }
  if (options_.dry_run) {
    return {};
  }
  CAIRN_TRY(const auto descriptor, descriptor_of(folder));
  folder.lifted_flags = lift_hindering_flags(descriptor->number());
  if (folder.entry && !metadata_.is_superuser() &&
      (standing->st_mode & kFolderMode) != kFolderMode) {
    // A folder of ours that we may not write to: it gets the recorded mode at the end.
    static_cast<void>(::fchmod(descriptor->number(), (standing->st_mode & 07777U) | kFolderMode));
  }
  return {};
}

core::Result<std::shared_ptr<TargetFolder>> RestoreTarget::make_folder(
    const std::shared_ptr<TargetFolder>& parent, std::string name, std::optional<Entry> entry,
    std::string snapshot_path) {
  auto folder = std::make_shared<TargetFolder>();
  folder->path = join_path(parent->path, name);
  folder->snapshot_path = std::move(snapshot_path);
  folder->name = std::move(name);
  folder->parent = parent;
  folder->entry = std::move(entry);
  CAIRN_TRY(const Standing standing, look(*parent, folder->name));
  if (standing && !options_.protects.find(*standing).empty()) {
    static_cast<void>(judge(standing, Entry(), folder->path));
    log_.done(RestoreAction::kept, folder->path);
    return nullptr;
  }
  if (standing && S_ISDIR(standing->st_mode)) {
    CAIRN_TRY_STATUS(enter_folder(*folder, standing));
    parent->pending += 1;
    return folder;
  }
  if (standing) {
    Entry unrecorded;
    unrecorded.type = EntryType::folder;
    switch (judge(standing, folder->entry.value_or(unrecorded), folder->path)) {
      case Verdict::keep:
        log_.done(RestoreAction::kept, folder->path);
        return nullptr;
      case Verdict::refuse:
        return core::fail(core::ErrorCode::already_exists,
                          "something of this name is there already");
      default:
        break;
    }
  }
  const RestoreAction action = standing ? RestoreAction::updated : RestoreAction::created;
  parent->pending += 1;
  if (options_.dry_run) {
    folder->is_missing = true;
    log_.done(action, folder->path);
    if (folder->entry) {
      log_.stands(*folder->entry, false);
    }
    return folder;
  }
  auto made = [&]() -> core::Status {
    CAIRN_TRY(const auto above, descriptor_of(*parent));
    if (standing) {
      CAIRN_TRY_STATUS(unlink_name(above->number(), folder->name, folder->path));
    }
    if (::mkdirat(above->number(), folder->name.c_str(), kFolderMode) != 0) {
      return core::fail(core::errno_error(errno, "make folder " + folder->path));
    }
    const int number = opener_.open(above->number(), folder->name, kListedFolderFlags);
    if (number < 0) {
      return core::fail(core::errno_error(errno, "open folder " + folder->path));
    }
    remember(*folder, std::make_shared<Descriptor>(number));
    return {};
  }();
  if (!made) {
    parent->pending -= 1;  // the caller holds a piece of it: this is not the last
    return core::fail(std::move(made).error());
  }
  log_.done(action, folder->path);
  return folder;
}

void RestoreTarget::release(std::shared_ptr<TargetFolder> folder) {
  while (folder != nullptr && folder->pending.fetch_sub(1) == 1) {
    if (!folder->is_missing) {
      finish_folder(*folder);
      forget(*folder);
    }
    folder = folder->parent;
  }
}

void RestoreTarget::finish_folder(const TargetFolder& folder) {
  remove_extras(folder);
  if (auto status = set_folder_metadata(folder); !status) {
    log_.problem(ProblemKind::incomplete_metadata, folder.path, status.error().message());
  }
}

core::Status RestoreTarget::set_folder_metadata(const TargetFolder& folder) {
  if (!folder.entry && folder.lifted_flags == 0) {
    return {};
  }
  CAIRN_TRY(const auto descriptor, descriptor_of(folder));
  if (!folder.entry) {
    put_back_flags(descriptor->number(), folder.lifted_flags);
    return {};
  }
  const bool matches = folder.existed && folder.lifted_flags == 0 &&
                       metadata_.matches(descriptor->number(), *folder.entry);
  if (folder.existed) {
    log_.done(matches ? RestoreAction::unchanged : RestoreAction::metadata_set, folder.path);
  }
  log_.stands(*folder.entry, folder.existed);
  if (matches || options_.dry_run) {
    return {};
  }
  metadata_.set(descriptor->number(), *folder.entry, folder.path);
  metadata_.set_last(descriptor->number(), *folder.entry, folder.path);
  return {};
}

}  // namespace cairn::repo::ops
