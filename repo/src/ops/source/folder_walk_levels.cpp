#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "ops/posix/folder_listing.h"
#include "ops/source/folder_walk.h"

namespace cairn::repo::ops {
namespace {

// Folders of the current path that stay open; those above are reopened on the way back. Few enough
// to leave most of the usual 1024 descriptors to others, yet more than real trees are deep.
constexpr std::size_t kOpenFoldersMax = 64;
// More than any real folder has: ends a listing that a broken file system repeats for ever.
constexpr std::size_t kFolderNamesMax = 100'000'000;
// How often a folder that changes while it is listed is listed.
constexpr int kListingsMax = 3;

}  // namespace

SourceFolder::~SourceFolder() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void FolderWalk::push_level(const WalkItem& item, std::shared_ptr<SourceFolder> folder) {
  if (!levels_.empty()) {
    path_.append(1, '/').append(item.file_name);
  } else if (item.path != "/") {
    path_ = item.path;
  }
  levels_.push_back({.folder = std::move(folder),
                     .id = item.inode,
                     .path_bytes = path_.size(),
                     .mark = names_.mark(),
                     .next = names_.size(),
                     .listed_at = comparison_.now(),
                     .offered = names_.size()});
  if (levels_.size() - first_open_ >= kOpenFoldersMax) {
    levels_[first_open_].folder.reset();
    ++first_open_;
  }
}

/// Collects the names of the folder on top. If something goes wrong, the names read before are
/// used. While objects are renamed a listing may miss a name that was there all the time; what one
/// listing misses another one has.
core::Status FolderWalk::list(int descriptor, Statx before) {
  const std::size_t first = names_.size();
  const WatchedCall call = lookahead_.watch();
  listed_logs_ = false;
  for (int listing = 1; listing <= kListingsMax; ++listing) {
    CAIRN_TRY(const bool whole, list_once(descriptor, first));
    Statx after{};
    if (!whole || stat_open(descriptor, after) != 0 ||
        (to_timestamp(after.stx_mtime) == to_timestamp(before.stx_mtime) &&
         to_timestamp(after.stx_ctime) == to_timestamp(before.stx_ctime)) ||
        ::lseek(descriptor, 0, SEEK_SET) != 0) {
      break;
    }
    before = after;
  }
  lookahead_.note(call, names_.size() - first);
  names_.sort_from(first);
  levels_.back().has_logs = listed_logs_;
  return {};
}

/// False if something went wrong, which has been reported.
core::Result<bool> FolderWalk::list_once(int descriptor, std::size_t first) {
  while (true) {
    const ::ssize_t size = list_some(
        descriptor, buffer_, [this](std::string_view name, std::uint64_t) { add_name(name); });
    if (size < 0) {
      CAIRN_TRY_STATUS(refuse(errno, path_, "list folder: "));
      levels_.back().left_early = true;
      return false;
    }
    if (size == 0) {
      return true;
    }
    if (names_.size() - first > kFolderNamesMax) {
      report(ProblemKind::unreadable, path_,
             fmt::format("list folder: more than {} names", kFolderNamesMax));
      levels_.back().left_early = true;
      return false;
    }
  }
}

void FolderWalk::add_name(std::string_view name) {
  if (is_valid_name(name)) {
    names_.add(name);
    listed_logs_ = listed_logs_ || name.ends_with("-wal") || name.ends_with("-journal");
  } else {
    report(ProblemKind::unreadable, fmt::format("{}/{}", path_, name),
           name.size() > kNameBytesMax ? "its name is too long" : "its name is not valid");
  }
}

core::Result<LeftFolder> FolderWalk::leave() {
  if (levels_.back().cursor && !levels_.back().left_early) {
    CAIRN_TRY_STATUS(levels_.back().cursor->finish());
  }
  Level left = std::move(levels_.back());
  levels_.pop_back();
  names_.cut_back(left.mark);
  if (!levels_.empty()) {
    path_.resize(levels_.back().path_bytes);
    if (levels_.back().folder == nullptr) {
      CAIRN_TRY_STATUS(reopen_top(left.folder.get()));
    }
  }
  return LeftFolder{.is_early = left.left_early, .refused = std::move(left.refused)};
}

/// Reopens the folder on top, which was closed to save descriptors.
core::Status FolderWalk::reopen_top(const SourceFolder* child) {
  Level& level = levels_.back();
  first_open_ = std::max<std::size_t>(levels_.size() - 1, 1);
  int descriptor = child != nullptr ? open_folder_if(child->descriptor(), "..", level.id) : -1;
  if (descriptor < 0) {
    descriptor = open_from_root();
  }
  if (descriptor < 0 && is_shortage(errno) && lookahead_.end()) {
    descriptor = open_from_root();
  }
  if (descriptor >= 0) {
    level.folder = std::make_shared<SourceFolder>(descriptor);
    return {};
  }
  if (is_shortage(errno)) {
    return core::fail(core::errno_error(errno, "open folder " + path_));
  }
  if (level.next < names_.size()) {
    report(ProblemKind::unreadable, path_, "moved away while it was read; the rest is left out");
    level.next = level.mark.names;
    level.left_early = true;
    names_.cut_back(level.mark);
  }
  return {};
}

/// Goes down from the source to the folder on top by the names of the path. -1 if some folder on
/// the way is no longer the one that was entered.
int FolderWalk::open_from_root() {
  int descriptor = -1;
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    const std::size_t begin = levels_[i - 1].path_bytes + 1;
    const std::string name = path_.substr(begin, levels_[i].path_bytes - begin);
    const int parent = i == 1 ? levels_.front().folder->descriptor() : descriptor;
    const int next = open_folder_if(parent, name.c_str(), levels_[i].id);
    if (descriptor >= 0) {
      const int error_number = errno;
      ::close(descriptor);
      errno = error_number;
    }
    descriptor = next;
    if (descriptor < 0) {
      break;
    }
  }
  return descriptor;
}

/// Closes what can be reopened later; false if there is nothing.
bool FolderWalk::close_ancestors() {
  const std::size_t first = first_open_;
  while (first_open_ + 1 < levels_.size()) {
    levels_[first_open_].folder.reset();
    ++first_open_;
  }
  return first_open_ > first;
}

/// The same, and also what the look-ahead holds.
bool FolderWalk::spare_descriptors() {
  const int error_number = errno;
  const bool ended = lookahead_.end();
  const bool closed = close_ancestors();
  errno = error_number;
  return ended || closed;
}

}  // namespace cairn::repo::ops
