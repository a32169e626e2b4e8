#include "store/backend/local_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cairn/core/path.h"
#include "store/backend/backend.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

/// In the order in which they are first written to.
std::vector<std::string_view> local_folders() {
  std::vector<std::string_view> folders;
  for (std::size_t number = 1; number <= format::kObjectKindCount; ++number) {
    const std::string_view folder = folder_of(static_cast<format::ObjectKind>(number));
    if (!folder.empty()) {
      folders.push_back(folder);
    }
  }
  folders.push_back(kTemporaryFolder);
  return folders;
}

/// What init may find in a folder that counts as empty: a disk's own lost+found, and folders of an
/// init that was interrupted before it wrote anything.
core::Result<bool> may_stay(core::FileSystem& file_system, const std::string& location,
                            const std::string& name) {
  if (name == "lost+found") {
    return true;
  }
  const auto folders = local_folders();
  if (std::ranges::find(folders, name) == folders.end()) {
    return false;
  }
  const std::string path = fmt::format("{}/{}", location, name);
  CAIRN_TRY(const std::optional<core::FileInfo> info, file_system.info(path));
  if (!info || !info->is_folder) {
    return false;
  }
  CAIRN_TRY(const std::vector<std::string> names, file_system.list(path));
  return names.empty();
}

/// A user who may make a folder in the parent need not be allowed to open it.
Status sync_parent(core::FileSystem& file_system, const std::string& path) {
  Status synced = file_system.sync_folder(core::parent_of(path));
  if (!synced && synced.error().code() == ErrorCode::permission_denied) {
    return {};
  }
  return synced;
}

/// Makes the folder and the missing ones above it, each shared as its parent requires.
Status make_folders(core::FileSystem& file_system, const std::string& path) {
  CAIRN_TRY(const std::optional<core::FileInfo> found, file_system.info(path));
  if (found) {
    return {};
  }
  const std::string parent = core::parent_of(path);
  if (parent != path) {
    CAIRN_TRY_STATUS(make_folders(file_system, parent));
  }
  CAIRN_TRY(const core::Sharing sharing, file_system.sharing_inside(parent));
  CAIRN_TRY_STATUS(make_shared_folder(file_system, path, sharing));
  return sync_parent(file_system, path);
}

Status check_is_empty(core::FileSystem& file_system, const std::string& base,
                      const std::string& root) {
  CAIRN_TRY(const std::vector<std::string> names, file_system.list(root));
  const auto config = object_path(config_name());
  const bool has_keys = std::ranges::find(names, "keys") != names.end();
  if (has_keys && std::ranges::find(names, config) != names.end()) {
    return core::fail(ErrorCode::already_exists,
                      fmt::format("there is a Cairn repository in {} already", root),
                      "use it as it is, or choose another folder for a new one");
  }
  for (const std::string& name : names) {
    CAIRN_TRY(const bool harmless, may_stay(file_system, base, name));
    if (!harmless) {
      return core::fail(
          ErrorCode::already_exists,
          fmt::format("make a repository in {}: the folder is not empty ({})", root, name),
          "choose a new or an empty folder");
    }
  }
  return {};
}

}  // namespace

std::string without_trailing_slashes(std::string path) {
  while (!path.empty() && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

Status make_shared_folder(core::FileSystem& file_system, const std::string& path,
                          core::Sharing sharing) {
  CAIRN_TRY_STATUS(file_system.make_folder(path));
  if (sharing == core::Sharing::owner_only) {
    return {};
  }
  Status shared = file_system.share(path, sharing);
  if (!shared && shared.error().code() == ErrorCode::permission_denied) {
    return {};
  }
  return shared;
}

Status create_local_layout(core::FileSystem& file_system, const std::string& location) {
  const std::string base = without_trailing_slashes(location);
  const std::string root = base.empty() ? "/" : base;
  CAIRN_TRY(const std::optional<core::FileInfo> found, file_system.info(root));
  if (found && !found->is_folder) {
    return core::fail(ErrorCode::already_exists,
                      fmt::format("make a repository in {}: it is a file", root));
  }
  CAIRN_TRY_STATUS(make_folders(file_system, root));
  CAIRN_TRY_STATUS(check_is_empty(file_system, base, root));
  CAIRN_TRY(const core::Sharing sharing, file_system.sharing_inside(root));
  for (const std::string_view folder : local_folders()) {
    CAIRN_TRY_STATUS(make_shared_folder(file_system, fmt::format("{}/{}", base, folder), sharing));
  }
  CAIRN_TRY_STATUS(file_system.sync_folder(root));
  return {};
}

}  // namespace cairn::repo::store
