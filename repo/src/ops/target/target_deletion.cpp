#include "ops/target/target_deletion.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "ops/choice/source_choice.h"
#include "ops/posix/inode_flags.h"
#include "ops/posix/object_metadata.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

// A descriptor stays open for each level.
constexpr unsigned kDeleteDepthMax = 256;

}  // namespace

core::Status unlink_name(int folder, const std::string& name, const std::string& path) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) {
    return {};
  }
  const int reason = errno;
  if (lift_flags_in_the_way(folder, name, reason) && ::unlinkat(folder, name.c_str(), 0) == 0) {
    return {};
  }
  return core::fail(core::errno_error(reason, "remove " + path));
}

/// True for a file system mounted on a folder that was empty in the snapshot: it was not mounted
/// then, or the backup was told to leave it out.
bool TargetDeletion::is_other_file_system(const TargetFolder& folder, int descriptor) {
  if (!folder.is_recorded_empty || folder.parent == nullptr) {
    return false;
  }
  struct ::stat above {};
  struct ::stat inside {};
  const auto parent = folders_.get(*folder.parent);
  return parent && ::fstat((*parent)->number(), &above) == 0 && ::fstat(descriptor, &inside) == 0 &&
         above.st_dev != inside.st_dev;
}

void TargetDeletion::remove_extras(const TargetFolder& folder) {
  if (folder.extras.empty()) {
    return;
  }
  const auto above = folders_.get(folder);
  if (!above) {
    log_.problem(ProblemKind::unreadable, folder.path, above.error().message());
    return;
  }
  std::optional<Spared> all_spared;
  if (is_other_file_system(folder, (*above)->number())) {
    all_spared = Spared::mounted;
  } else if (!options_.left_out.empty()) {
    const auto names = list_names((*above)->number(), folder.path);
    if (names && carries_tag((*above)->number(), *names)) {
      all_spared = Spared::left_out;
    }
  }
  for (const std::string& name : folder.extras) {
    if (all_spared) {
      log_.spare(*all_spared, join_path(folder.path, name));
      continue;
    }
    const Doomed doomed{name, join_path(folder.path, name), join_path(folder.snapshot_path, name)};
    if (auto removed = remove_tree((*above)->number(), doomed); !removed) {
      log_.problem(ProblemKind::unreadable, doomed.path, removed.error().message());
    }
  }
}

bool TargetDeletion::is_spared(int folder, const struct ::stat& status, const Doomed& doomed) {
  if (const std::string_view what = options_.protects.find(status); !what.empty()) {
    log_.warning(
        fmt::format("{} is {} that this restore works with: it is not deleted", doomed.path, what));
    log_.spare(Spared::in_use, doomed.path);
    return true;
  }
  if (options_.unread.contains(doomed.snapshot_path)) {
    log_.spare(Spared::unread, doomed.path);
    return true;
  }
  if (is_left_out(folder, doomed)) {
    log_.spare(Spared::left_out, doomed.path);
    return true;
  }
  return false;
}

bool TargetDeletion::is_left_out(int folder, const Doomed& doomed) const {
  Statx status{};
  return !options_.left_out.empty() && stat_at(folder, doomed.name.c_str(), status) == 0 &&
         std::ranges::any_of(options_.left_out, [&](const Choice& choice) {
           return ops::is_left_out(choice, status, [&] { return doomed.snapshot_path; });
         });
}

bool TargetDeletion::carries_tag(int folder, const std::vector<std::string>& names) const {
  return std::ranges::any_of(options_.left_out, [&](const Choice& choice) {
    return ops::carries_tag(choice, folder, names);
  });
}

core::Result<bool> TargetDeletion::remove_tree(int folder, const Doomed& doomed, unsigned depth) {
  struct ::stat status {};
  if (::fstatat(folder, doomed.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return true;  // for example a temporary file that was used up meanwhile
  }
  const bool is_folder = S_ISDIR(status.st_mode);
  if (!options_.takes(doomed.snapshot_path, is_folder)) {
    return false;
  }
  if (is_spared(folder, status, doomed)) {
    return false;
  }
  if (is_folder) {
    struct ::stat above {};
    if (::fstat(folder, &above) != 0 || above.st_dev != status.st_dev) {
      return core::fail(core::ErrorCode::busy, "not removed: another file system is mounted there");
    }
    if (depth == kDeleteDepthMax) {
      return core::fail(core::ErrorCode::limit_exceeded, "not removed: nested too deep");
    }
    CAIRN_TRY(const bool is_empty, remove_children(folder, doomed, depth));
    if (!is_empty) {
      return false;
    }
  }
  if (!options_.dry_run) {
    if (!is_folder) {
      CAIRN_TRY_STATUS(unlink_name(folder, doomed.name, doomed.path));
    } else if (::unlinkat(folder, doomed.name.c_str(), AT_REMOVEDIR) != 0) {
      return core::fail(core::errno_error(errno, "remove folder"));
    }
  }
  if (!doomed.name.starts_with(kTemporaryPrefix)) {
    log_.done(RestoreAction::deleted, doomed.path);
  }
  return true;
}

core::Result<bool> TargetDeletion::remove_children(int folder, const Doomed& doomed,
                                                   unsigned depth) {
  const Descriptor inside(
      folders_.opener().open(folder, doomed.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (inside.number() < 0) {
    return core::fail(core::errno_error(errno, "open folder"));
  }
  if (!options_.dry_run) {
    lift_hindering_flags(inside.number());
  }
  CAIRN_TRY(const auto names, list_names(inside.number(), doomed.path));
  if (carries_tag(inside.number(), names)) {
    log_.spare(Spared::left_out, doomed.path);
    return false;
  }
  bool is_empty = true;
  for (const std::string& name : names) {
    const Doomed child{name, join_path(doomed.path, name), join_path(doomed.snapshot_path, name)};
    auto removed = remove_tree(inside.number(), child, depth + 1);
    if (!removed) {
      log_.problem(ProblemKind::unreadable, child.path, removed.error().message());
      is_empty = false;
    } else {
      is_empty = is_empty && *removed;
    }
  }
  return is_empty;
}

}  // namespace cairn::repo::ops
