#include "ops/source/folders_above.h"

#include <fcntl.h>

#include <optional>
#include <set>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/posix/object_metadata.h"
#include "ops/posix/owner_names.h"
#include "ops/source/source.h"

namespace cairn::repo::ops {

namespace {

// For all of them together; a manifest has at most 32 MiB.
constexpr std::size_t kXattrBytesOfAllMax = 1024 * 1024;
constexpr std::size_t kPathBytesOfAllMax = 1024 * 1024;
constexpr std::uint16_t kOwnersPart = 0700;

std::size_t size_of(const std::vector<Xattr>& xattrs) {
  std::size_t size = 0;
  for (const Xattr& xattr : xattrs) {
    size += xattr.name.size() + xattr.value.size();
  }
  return size;
}

std::optional<FolderAbove> read_folder(const std::string& path, OwnerNames& names,
                                       std::size_t& xattr_bytes) {
  const core::Descriptor folder(
      core::uninterrupted([&] { return ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  Statx status{};
  if (folder.number() < 0 || stat_open(folder.number(), status) != 0) {
    return std::nullopt;
  }
  FolderAbove result;
  result.path = path;
  result.mode = static_cast<std::uint16_t>(status.stx_mode & 07777U);
  result.owner.uid = status.stx_uid;
  result.owner.gid = status.stx_gid;
  names.fill(result.owner);
  result.mtime = to_timestamp(status.stx_mtime);
  Entry entry;
  std::vector<Problem> problems;
  read_xattrs_at(folder.number(), ".", entry, {path, problems});
  const std::size_t size = size_of(entry.xattrs);
  if (problems.empty() && xattr_bytes + size <= kXattrBytesOfAllMax) {
    xattr_bytes += size;
    result.xattrs = std::move(entry.xattrs);
  } else {
    result.mode &= kOwnersPart;
  }
  return result;
}

}  // namespace

std::vector<FolderAbove> read_folders_above(const std::vector<std::string>& paths) {
  std::set<std::string> above;
  std::size_t path_bytes = 0;
  for (const std::string& path : paths) {
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      if (above.size() == kFoldersAboveMax || path_bytes + slash > kPathBytesOfAllMax ||
          !above.insert(path.substr(0, slash)).second) {
        break;  // those further up are there already, or there is no space
      }
      path_bytes += slash;
    }
  }
  OwnerNames names;
  std::vector<FolderAbove> folders;
  std::size_t xattr_bytes = 0;
  for (const std::string& path : above) {
    if (auto folder = read_folder(path, names, xattr_bytes)) {
      folders.push_back(std::move(*folder));
    }
  }
  return folders;
}

}  // namespace cairn::repo::ops
