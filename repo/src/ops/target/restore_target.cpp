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

namespace cairn::repo::ops {

namespace {

// Nobody else may look into half-restored folders: the recorded mode is set last. Folders that were
// not recorded keep this mode: what they protected stays private.
constexpr mode_t kFolderMode = 0700;

}  // namespace

RestoreTarget::RestoreTarget(const TargetOptions& options, RestoreLog& log)
    : options_(options),
      log_(log),
      metadata_(options.metadata, log),
      folders_(options.opening),
      deletion_(options_, folders_, log),
      names_(options_, folders_, deletion_),
      root_(std::make_shared<TargetFolder>()) {
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
  folders_.set_root(std::make_shared<Descriptor>(descriptor));
  // Held as long as the descriptor is open. A file system without locks has to do without.
  if (!options_.dry_run && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return core::fail(core::ErrorCode::busy,
                      fmt::format("another restore writes into {} right now", path));
  }
  root_->existed = true;
  CAIRN_TRY(const auto names, names_.list(*root_));
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

void RestoreTarget::describe_root(Entry entry, std::string snapshot_path) {
  root_->snapshot_path = std::move(snapshot_path);
  struct ::stat status {};
  const bool keeps = root_->existed && ::fstat(folders_.root(), &status) == 0 &&
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
    static_cast<void>(::fchmod(folders_.root(), (status.st_mode & 07777U) | kFolderMode));
  }
}

core::Status RestoreTarget::enter_folder(TargetFolder& folder, const Standing& standing) {
  folder.existed = true;
  if (const auto names = names_.list(folder)) {
    std::ranges::copy_if(*names, std::back_inserter(folder.sides), is_side_name);
  }
  if (folder.entry && keeps_folder_metadata(options_.overwrite, *standing, *folder.entry)) {
    folder.entry.reset();
  }
  if (options_.dry_run) {
    return {};
  }
  CAIRN_TRY(const auto descriptor, folders_.get(folder));
  folder.lifted_flags = lift_hindering_flags(descriptor->number());
  if (folder.entry && !metadata_.is_superuser() &&
      (standing->st_mode & kFolderMode) != kFolderMode) {
    // A folder of ours that we may not write to: it gets the recorded mode at the end.
    static_cast<void>(::fchmod(descriptor->number(), (standing->st_mode & 07777U) | kFolderMode));
  }
  return {};
}

core::Status RestoreTarget::make_new_folder(const TargetFolder& folder, bool standing) {
  CAIRN_TRY(const auto above, folders_.get(*folder.parent));
  if (standing) {
    CAIRN_TRY_STATUS(unlink_name(above->number(), folder.name, folder.path));
  }
  if (::mkdirat(above->number(), folder.name.c_str(), kFolderMode) != 0) {
    return core::fail(core::errno_error(errno, "make folder " + folder.path));
  }
  return folders_.open_new(above->number(), folder);
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
  CAIRN_TRY(const Standing standing, names_.look(*parent, folder->name));
  if (options_.protects_what_stands(standing)) {
    static_cast<void>(options_.judge(standing, Entry(), folder->path, log_));
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
    switch (options_.judge(standing, folder->entry.value_or(unrecorded), folder->path, log_)) {
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
  if (auto made = make_new_folder(*folder, standing.has_value()); !made) {
    parent->pending -= 1;  // the caller holds a piece of it: this is not the last
    return core::fail(std::move(made).error());
  }
  log_.done(action, folder->path);
  return folder;
}

void RestoreTarget::release(std::shared_ptr<TargetFolder> folder) {
  while (folder != nullptr && folder->pending.fetch_sub(1) == 1) {
    if (!folder->is_missing) {
      deletion_.remove_extras(*folder);
      if (auto status = set_folder_metadata(*folder); !status) {
        log_.problem(ProblemKind::incomplete_metadata, folder->path, status.error().message());
      }
      folders_.forget(*folder);
    }
    folder = folder->parent;
  }
}

core::Status RestoreTarget::set_folder_metadata(const TargetFolder& folder) {
  if (!folder.entry && folder.lifted_flags == 0) {
    return {};
  }
  CAIRN_TRY(const auto descriptor, folders_.get(folder));
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
