#include "ops/target/restore_spared.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

namespace cairn::repo::ops {

namespace {

// A repository's folders, and the folders that contain its packs.
constexpr unsigned kFolderDepth = 2;

/// True if an object with such a problem may be in the source without being in the snapshot,
/// together with everything below it.
bool leaves_open(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::unreadable:
    case ProblemKind::vanished:
    case ProblemKind::changed_while_read:
    case ProblemKind::lost:
      return true;
    case ProblemKind::incomplete_metadata:
    case ProblemKind::changed_unnoticed:
      return false;
  }
  return true;
}

}  // namespace

void ProtectedObjects::add(const std::string& path, std::string_view what) {
  if (path.empty()) {
    return;
  }
  const std::string name(what);
  struct ::stat status {};
  for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string above = path.substr(0, end);
    if (::lstat(above.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
      objects_.try_emplace({status.st_dev, status.st_ino}, "the way to " + name);
    }
  }
  if (::lstat(path.c_str(), &status) == 0) {
    objects_.try_emplace({status.st_dev, status.st_ino}, name);
  }
  if (::stat(path.c_str(), &status) == 0) {
    objects_.try_emplace({status.st_dev, status.st_ino}, name);
    if (S_ISDIR(status.st_mode)) {
      add_folders(path, name, 0);
    }
  }
}

void ProtectedObjects::add_folders(const std::string& path, const std::string& what,
                                   unsigned depth) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    struct ::stat status {};
    if (::lstat(entry->path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      continue;
    }
    objects_.try_emplace({status.st_dev, status.st_ino}, what);
    if (depth + 1 < kFolderDepth) {
      add_folders(entry->path().native(), what, depth + 1);
    }
  }
}

std::string_view ProtectedObjects::find(const struct ::stat& status) const {
  const auto found = objects_.find({status.st_dev, status.st_ino});
  return found == objects_.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view ProtectedObjects::find_above(const std::string& path) const {
  std::error_code error;
  std::filesystem::path place = std::filesystem::weakly_canonical(path, error);
  if (error) {
    place = path;
  }
  while (true) {
    struct ::stat status {};
    if (::stat(place.c_str(), &status) == 0) {
      if (const std::string_view what = find(status); !what.empty()) {
        return what;
      }
    }
    if (!place.has_relative_path()) {
      return {};
    }
    place = place.parent_path();
  }
}

UnreadPaths::UnreadPaths(const Snapshot& snapshot) {
  for (const Problem& problem : snapshot.problems) {
    if (leaves_open(problem.kind)) {
      paths_.insert(problem.path);
    }
  }
}

bool UnreadPaths::contains(std::string_view path) const {
  if (paths_.empty()) {
    return false;
  }
  if (paths_.contains(path) || paths_.contains(std::string_view("/"))) {
    return true;
  }
  for (auto slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (paths_.contains(path.substr(0, slash))) {
      return true;
    }
  }
  return false;
}

core::Status check_knows_what_it_lacks(const Snapshot& snapshot) {
  constexpr std::string_view kInstead =
      "restore it without --delete, or choose a snapshot that is whole";
  if (snapshot.partial) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "the snapshot is partial: what it does not have may only not have been read "
                      "yet, and nothing can be deleted for that",
                      std::string(kInstead));
  }
  if (snapshot.problem_count > snapshot.problems.size()) {
    return core::fail(
        core::ErrorCode::invalid_argument,
        fmt::format("the snapshot had {} problems and names only the first {}: what it does not "
                    "have may be what could not be read, and nothing can be deleted for that",
                    snapshot.problem_count, snapshot.problems.size()),
        std::string(kInstead));
  }
  return {};
}

}  // namespace cairn::repo::ops
