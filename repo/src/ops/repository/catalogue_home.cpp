#include "ops/repository/catalogue_home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "cairn/core/descriptor.h"
#include "store/backend/temporary_name.h"

namespace cairn::repo::ops {
namespace {

constexpr ::mode_t kCacheFolderMode = 0700;
constexpr ::mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr std::string_view kRunCataloguePrefix = "cairn-catalogue-";
constexpr std::string_view kPlaceHint = "CAIRN_CACHE_DIR names another place for it";
constexpr std::string_view kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Catalogues of Cairn: made again from the repositories, and no matter for a backup.\n"
    "# See https://bford.info/cachedir/\n";

core::Status make_folders(const std::string& path) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), kCacheFolderMode) != 0 && errno != EEXIST) {
      // If the folder exists, errno may be one of many (EROFS, EACCES).
      const int error_number = errno;
      struct ::stat info {};
      if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        return core::fail(
            core::errno_error(error_number, fmt::format("make the cache folder {}", path))
                .with_hint(kPlaceHint));
      }
    }
  }
  return {};
}

/// Enough for the catalogue of a small repository; for larger ones the user has to choose.
bool has_room(const std::string& folder) {
  constexpr std::uint64_t kRoomBytes = 64 * 1024 * 1024;
  struct ::statvfs info {};
  return ::statvfs(folder.c_str(), &info) == 0 &&
         std::uint64_t{info.f_bavail} * info.f_frsize >= kRoomBytes;
}

/// Best effort: without the tag only backups of this folder become larger.
void put_tag(const std::string& cache) {
  const std::string path = cache + "/CACHEDIR.TAG";
  struct ::stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    return;
  }
  const core::Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.is_open()) {
    static_cast<void>(::write(file.number(), kTag.data(), kTag.size()) == 0);
  }
}

void guard(const std::string& catalogue, Observer& observer) {
  struct ::stat info {};
  if (::stat(catalogue.c_str(), &info) != 0) {
    return;  // it will be made
  }
  if (info.st_uid != ::geteuid()) {
    observer.warning(
        fmt::format("the catalogue {} belongs to another user, whom this run has to trust: {}",
                    catalogue, kPlaceHint));
    return;
  }
  if ((info.st_mode & kOthersWrite) != 0) {
    observer.warning(
        fmt::format("others could write to the catalogue {}; now they cannot", catalogue));
  }
  if ((info.st_mode & ::mode_t{S_IRWXG | S_IRWXO}) != 0) {
    static_cast<void>(::chmod(catalogue.c_str(), kCacheFolderMode));
  }
}

}  // namespace

core::Result<std::unique_ptr<TemporaryFolder>> TemporaryFolder::make(
    const std::vector<std::string>& parents, const core::ProcessIdentity& process) {
  core::Error error(core::ErrorCode::invalid_argument,
                    "there is no folder for the catalogue, nor for a temporary one",
                    "set CAIRN_CACHE_DIR, or TMPDIR");
  std::vector<std::string> ordered = parents;
  // A full disk is the last choice: it may be what the catalogue has to move away from.
  std::stable_partition(ordered.begin(), ordered.end(), has_room);
  for (const std::string& parent : ordered) {
    std::string path =
        fmt::format("{}/{}{}XXXXXX", parent, kRunCataloguePrefix, store::writer_prefix(process));
    if (::mkdtemp(path.data()) != nullptr) {
      return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path)));
    }
    error = core::errno_error(errno, fmt::format("make a temporary catalogue in {}", parent))
                .with_hint("set CAIRN_CACHE_DIR or TMPDIR to a folder that can be written");
  }
  return core::fail(std::move(error));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::uint64_t remove_dead_temporary_folders(
    const std::vector<std::string>& parents, const core::ProcessIdentity& process,
    const std::function<bool(const core::ProcessIdentity&)>& is_gone) {
  std::uint64_t removed = 0;
  for (const std::string& parent : is_gone ? parents : std::vector<std::string>()) {
    std::error_code error;
    std::vector<std::string> dead;
    for (std::filesystem::directory_iterator at(parent, error), end; !error && at != end;
         at.increment(error)) {
      const std::string name = at->path().filename().native();
      if (!name.starts_with(kRunCataloguePrefix)) {
        continue;
      }
      const auto writer = store::writer_in_place_of(
          std::string_view(name).substr(kRunCataloguePrefix.size()), process);
      if (writer && is_gone(*writer)) {
        dead.push_back(at->path().native());
      }
    }
    for (const std::string& path : dead) {
      // Another user's folder could be a trap, or a link into something that must not be removed.
      struct ::stat info {};
      if (::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
          info.st_uid == ::geteuid()) {
        std::filesystem::remove_all(path, error);
        removed += error ? 0U : 1U;
      }
    }
  }
  return removed;
}

core::Status prepare_cache_folder(const std::string& cache, const std::string& catalogue,
                                  Observer& observer) {
  CAIRN_TRY_STATUS(make_folders(cache));
  put_tag(cache);
  guard(catalogue, observer);
  return {};
}

}  // namespace cairn::repo::ops
