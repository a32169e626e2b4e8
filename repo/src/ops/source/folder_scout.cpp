#include "ops/source/folder_scout.h"

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "cairn/core/descriptor.h"
#include "ops/choice/source_choice.h"
#include "ops/posix/folder_listing.h"

namespace cairn::repo::ops {
namespace {

constexpr std::size_t kRecentMax = 4096;
// About a thousand names. For a larger folder the walk will say which come first.
constexpr std::size_t kBufferBytes = 64 * 1024;

/// Descriptors with higher numbers are left to others.
int highest_descriptor() {
  ::rlimit limit{};
  constexpr ::rlim_t kEnough = std::numeric_limits<int>::max();
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  return static_cast<int>(std::min(limit.rlim_cur, kEnough) / 4 * 3);
}

/// Opening something in there may mount a file system: only the walk does that.
bool is_automounter(int folder) {
  struct ::statfs system {};
  return core::uninterrupted([&] { return ::fstatfs(folder, &system); }) != 0 ||
         system.f_type == AUTOFS_SUPER_MAGIC;
}

}  // namespace

void RecentFolders::insert(const InodeId& id, Extent extent) {
  const std::scoped_lock lock(mutex_);
  newer_[id] = extent;
  if (newer_.size() >= kRecentMax) {
    older_ = std::move(newer_);
    newer_.clear();
  }
}

std::optional<RecentFolders::Extent> RecentFolders::find(const InodeId& id) const {
  const std::scoped_lock lock(mutex_);
  for (const auto* folders : {&newer_, &older_}) {
    if (const auto found = folders->find(id); found != folders->end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

FolderScout::FolderScout(const Options& options)
    : options_(options), descriptors_max_(highest_descriptor()), buffer_(kBufferBytes) {}

std::string FolderScout::path_below(const Place& place, const std::string& name) const {
  return options_.choice != nullptr && !options_.choice->filter.empty() ? place.path + '/' + name
                                                                        : std::string();
}

/// The child, if it is a folder that the walk would enter on the same file system.
std::optional<FolderScout::Subfolder> FolderScout::stat_child(const Place& place,
                                                              const std::string& name) {
  if (options_.choice != nullptr && !options_.choice->filter.empty() &&
      is_left_out_by_name(*options_.choice, path_below(place, name))) {
    return std::nullopt;
  }
  Statx status{};
  const WatchedCall call(options_.clock);
  const int error_number = stat_at(place.descriptor, name.c_str(), status);
  meter_.note(call.waited_ns(), 0);
  if (error_number != 0 || !S_ISDIR(status.stx_mode) ||
      (status.stx_attributes & STATX_ATTR_AUTOMOUNT) != 0) {
    return std::nullopt;
  }
  const InodeId id = inode_id(status);
  if (id.device != place.device ||
      (options_.choice != nullptr &&
       is_left_out(*options_.choice, status, [&] { return path_below(place, name); }))) {
    return std::nullopt;
  }
  return Subfolder{.name = name, .id = id};
}

std::vector<std::pair<std::size_t, FolderScout::Subfolder>> FolderScout::look_at(
    const Place& place, const std::vector<std::string>& names) {
  std::vector<std::pair<std::size_t, Subfolder>> subfolders;
  for (std::size_t i = 0; i < names.size() && !options_.stopping; ++i) {
    if (auto subfolder = stat_child(place, names[i])) {
      subfolders.emplace_back(i, std::move(*subfolder));
    }
  }
  return subfolders;
}

void FolderScout::look_into(const Place& parent, const Subfolder& subfolder) {
  seen_ = 0;
  if (!is_automounter(parent.descriptor)) {
    look_below(parent, subfolder, 0);
  }
}

/// True if everything below has been seen.
bool FolderScout::look_below(const Place& parent, const Subfolder& subfolder, unsigned depth) {
  if (const auto extent = options_.recent.find(subfolder.id)) {
    return *extent == RecentFolders::Extent::everything;
  }
  if (options_.stopping || depth == kDepthMax || seen_ >= kObjectsMax) {
    return false;
  }
  const WatchedCall call(options_.clock);
  const SourceFolder folder(
      open_folder_if(parent.descriptor, subfolder.name.c_str(), subfolder.id));
  if (folder.descriptor() < 0 || folder.descriptor() >= descriptors_max_) {
    return false;
  }
  auto listing = list(folder.descriptor());
  if (!listing) {
    return false;
  }
  meter_.note(call.waited_ns(), listing->names.size());
  // File systems store inodes in the order of their numbers: neighbours come with one read.
  std::sort(listing->names.begin(), listing->names.end());
  seen_ += listing->names.size();
  const Place place{.descriptor = folder.descriptor(),
                    .device = parent.device,
                    .path = path_below(parent, subfolder.name)};
  std::vector<Subfolder> subfolders;
  for (const auto& [inode, name] : listing->names) {
    if (options_.stopping) {
      return false;
    }
    if (auto child = stat_child(place, name)) {
      subfolders.push_back(std::move(*child));
    }
  }
  options_.recent.insert(subfolder.id, RecentFolders::Extent::children);
  std::sort(subfolders.begin(), subfolders.end(),
            [](const Subfolder& a, const Subfolder& b) { return a.name < b.name; });
  bool is_everything = listing->is_whole;
  listing.reset();
  for (const Subfolder& child : subfolders) {
    is_everything = look_below(place, child, depth + 1) && is_everything;
  }
  if (is_everything) {
    options_.recent.insert(subfolder.id, RecentFolders::Extent::everything);
  }
  return is_everything;
}

std::optional<FolderScout::Listing> FolderScout::list(int descriptor) {
  Listing listing;
  bool has_tag = false;
  const ::ssize_t size =
      list_some(descriptor, buffer_, [&](std::string_view name, std::uint64_t inode) {
        listing.names.emplace_back(inode, name);
        has_tag = has_tag || (options_.choice != nullptr &&
                              is_tag(*options_.choice, name, [] { return true; }));
      });
  // The walk takes only the tag.
  if (size < 0 || has_tag) {
    return std::nullopt;
  }
  listing.is_whole =
      size == 0 || list_some(descriptor, buffer_, [](std::string_view, std::uint64_t) {}) == 0;
  return listing;
}

}  // namespace cairn::repo::ops
