#include "ops/target/folder_table.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace cairn::repo::ops {

namespace {

constexpr int kListedFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

core::Result<std::shared_ptr<Descriptor>> FolderTable::get(const TargetFolder& folder) {
  if (folder.parent == nullptr) {
    return root_;
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

/// The folder was closed to make space for others: it is opened from the nearest open one above it.
/// If that is far, the folders between are kept open too, as many as possible without closing all
/// others: they are finished next, and if each were opened from the top, a tree of n levels would
/// take n * n steps.
core::Result<std::shared_ptr<Descriptor>> FolderTable::reopen(const TargetFolder& folder) {
  std::vector<const TargetFolder*> closed;  // from the folder upwards
  std::shared_ptr<Descriptor> above = root_;
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
  const std::size_t kept = closed.size() > kFarLevels ? std::min(closed.size(), kOpenMax / 2) : 1;
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
      continue;  // a folder that may be passed through but not read
    }
    above = std::make_shared<Descriptor>(number);
    remember(next, above);
    path.clear();
  }
  return above;
}

core::Status FolderTable::open_new(int above, const TargetFolder& folder) {
  const int number = opener_.open(above, folder.name, kListedFolderFlags);
  if (number < 0) {
    return core::fail(core::errno_error(errno, "open folder " + folder.path));
  }
  remember(folder, std::make_shared<Descriptor>(number));
  return {};
}

void FolderTable::remember(const TargetFolder& folder, std::shared_ptr<Descriptor> descriptor) {
  const std::scoped_lock lock(mutex_);
  if (by_folder_.contains(&folder)) {
    return;
  }
  open_.push_front({&folder, std::move(descriptor)});
  by_folder_[&folder] = open_.begin();
  if (open_.size() > kOpenMax) {
    by_folder_.erase(open_.back().folder);
    open_.pop_back();
  }
}

void FolderTable::forget(const TargetFolder& folder) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_folder_.find(&folder); found != by_folder_.end()) {
    open_.erase(found->second);
    by_folder_.erase(found);
  }
}

}  // namespace cairn::repo::ops
