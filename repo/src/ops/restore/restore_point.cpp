#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "cairn/repo/restore.h"
#include "ops/repository/access.h"
#include "ops/repository/catalogue_view.h"
#include "ops/restore/restore_selection.h"
#include "ops/target/database_sides.h"

// Saving what a restore is about to change.

namespace cairn::repo {

namespace {

/// `relative` below `folder` if it exists. If there is a link on the way, its path is returned: a
/// restore would replace the link.
core::Result<std::optional<std::string>> standing_path(const std::string& folder,
                                                       std::string_view relative) {
  std::string path = folder;
  while (!relative.empty()) {
    const std::string_view name = relative.substr(0, relative.find('/'));
    relative.remove_prefix(std::min(relative.size(), name.size() + 1));
    path = ops::join_path(path, name);
    struct ::stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      if (errno == ENOENT) {
        return std::nullopt;
      }
      return core::fail(core::errno_error(errno, "look at " + path));
    }
    if (!S_ISDIR(status.st_mode)) {
      return path;
    }
  }
  return path;
}

/// Files beside a file that belong to it if it is a database: a restore removes them.
void add_sides(const std::string& path, std::vector<std::string>& paths) {
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) {
    return;
  }
  for (std::string& side : ops::side_names(path)) {
    if (::lstat(side.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      paths.push_back(std::move(side));
    }
  }
}

/// Passes reports on, and counts what could not be read.
class CountingObserver final : public Observer {
 public:
  explicit CountingObserver(Observer& observer) : observer_(observer) {}
  void event(const Event& event) override { observer_.event(event); }
  void progress(const Progress& progress) override { observer_.progress(progress); }
  void problem(const Problem& problem) override {
    unreadable_ += problem.kind == ProblemKind::unreadable ? 1 : 0;
    observer_.problem(problem);
  }
  void detail(std::string_view text) override { observer_.detail(text); }
  void warning(std::string_view text) override { observer_.warning(text); }
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

 private:
  Observer& observer_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace

core::Result<std::vector<std::string>> paths_to_overwrite(Repository& repository,
                                                          const Snapshot& snapshot,
                                                          const RestoreOptions& options,
                                                          Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_data_key(open));
  CAIRN_TRY(const ops::CatalogueView view, ops::ensure_catalogue(open, observer));
  CAIRN_TRY(const ops::RestoreSelection selection,
            ops::select_sources(view, snapshot, options.path));
  CAIRN_TRY_STATUS(ops::check_selects_anything(view, selection, options));
  CAIRN_TRY(const ops::Destination destination, ops::destination_of(selection, options.target));
  std::error_code error;
  const std::string target = std::filesystem::canonical(destination.folder, error).native();
  if (error == std::errc::no_such_file_or_directory) {
    return std::vector<std::string>();
  }
  if (error) {
    return core::fail(core::errno_error(error.value(), "look at " + options.target));
  }
  std::vector<std::string> relatives;
  if (selection.located && selection.located->entry.type == EntryType::folder) {
    const bool is_empty = std::filesystem::is_empty(target, error);
    if (error) {
      return core::fail(core::errno_error(error.value(), "look into " + target));
    }
    return is_empty ? std::vector<std::string>() : std::vector<std::string>{target};
  }
  if (selection.located) {
    const std::string& path = selection.located->path;
    relatives.push_back(destination.name.empty() ? path.substr(path.rfind('/') + 1)
                                                 : destination.name);
  }
  for (const Source* source : selection.sources) {
    relatives.emplace_back(ops::below_path(source->path, selection.above));
  }
  std::vector<std::string> paths;
  for (const std::string& relative : relatives) {
    CAIRN_TRY(auto path, standing_path(target, relative));
    if (path && (paths.empty() || paths.back() != *path)) {
      add_sides(*path, paths);
      paths.push_back(std::move(*path));
    }
  }
  return paths;
}

core::Result<BackupReport> make_restore_point(Repository& repository,
                                              const RestorePointOptions& options,
                                              Observer& observer) {
  constexpr std::string_view kWithout =
      "--no-restore-point restores without the possibility to go back";
  if (!ops::opened(repository).keys->can_write()) {
    return core::fail(core::ErrorCode::not_permitted,
                      fmt::format("a key of role {} cannot make a restore point of what would be "
                                  "overwritten",
                                  to_string(repository.role())),
                      std::string(kWithout));
  }
  CountingObserver counting(observer);
  CAIRN_TRY(auto report, backup(repository,
                                {.paths = options.paths,
                                 .host = options.host,
                                 .set = {},
                                 .type = SnapshotType::restore_point,
                                 .tags = {std::string(kRestorePointTag)},
                                 .description = options.description,
                                 .program_version = options.program_version,
                                 .stop = options.stop},
                                counting));
  if (counting.unreadable() > 0) {
    return core::fail(
        core::ErrorCode::io,
        fmt::format("the restore point lacks {} {} that could not be read: nothing "
                    "was restored",
                    counting.unreadable(), counting.unreadable() == 1 ? "object" : "objects"),
        std::string(kWithout));
  }
  return report;
}

}  // namespace cairn::repo
