#include "ops/source/backup_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "ops/posix/object_metadata.h"
#include "ops/progress/problem_list.h"
#include "ops/source/source_limits.h"

namespace cairn::repo::ops {
namespace {

core::Result<std::string> normal_path(const std::string& path) {
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
    return core::fail(
        core::ErrorCode::invalid_argument,
        fmt::format("back up {}: not an absolute path", cut_in_the_middle(path, kShownPathBytes)));
  }
  CAIRN_TRY_STATUS(check_source_path(path));
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') {
    normal.pop_back();
  }
  if (normal.starts_with("//")) {
    normal.erase(0, 1);
  }
  return normal;
}

/// An order in which a folder comes directly before everything below it: '/' sorts before all else.
bool is_before(const std::string& a, const std::string& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
  return std::ranges::lexicographical_compare(
      a, b, [&](char left, char right) { return rank(left) < rank(right); });
}

bool is_at_or_below(const std::string& path, const std::string& above) {
  return path == above || above == "/" ||
         (path.size() > above.size() && path[above.size()] == '/' && path.starts_with(above));
}

const std::string& place_of(const std::string& path,
                            const std::map<std::string, std::string>& read_from) {
  const auto elsewhere = read_from.find(path);
  return elsewhere == read_from.end() ? path : elsewhere->second;
}

/// Returns which paths are missing; fails if all are. Reports links.
core::Result<std::set<std::string>> look_at(const std::vector<std::string>& paths,
                                            const std::map<std::string, std::string>& read_from,
                                            Observer& observer) {
  std::set<std::string> missing;
  std::optional<core::Error> first_error;
  std::size_t links = 0;
  const std::string* link = nullptr;
  for (const std::string& path : paths) {
    Statx status{};
    const std::string& place = place_of(path, read_from);
    if (const int error_number = stat_at(AT_FDCWD, place.c_str(), status); error_number != 0) {
      if (!first_error) {
        first_error = core::errno_error(error_number, "open source " + place);
      }
      missing.insert(path);
      continue;
    }
    if (S_ISLNK(status.stx_mode)) {
      links += 1;
      link = link == nullptr ? &path : link;
    }
  }
  if (first_error &&
      std::ranges::all_of(paths, [&](const std::string& path) { return missing.contains(path); })) {
    return core::fail(*std::move(first_error));
  }
  if (links > 0) {
    const std::string others = links == 1
                                   ? "is a symbolic link"
                                   : fmt::format("and {} more are symbolic links", links - 1);
    observer.warning(
        fmt::format("{} {}: only the link is stored; to store what it leads to, put a / at its end",
                    *link, others));
  }
  return missing;
}

class NoProblems final : public ProblemSink {
 public:
  void add(Problem /*problem*/) override {}
};

void count(const BackupSources& sources, const Choice& choice, ProgressMeter& meter,
           const std::stop_token& stop) {
  NoProblems ignored;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  for (const std::string& path : sources.paths) {
    WalkOptions options;
    set_sources(sources, choice, options);
    options.recorded_as = path;
    auto walk = SourceWalk::open(place_of(path, sources.read_from), ignored, std::move(options));
    while (walk && !stop.stop_requested()) {
      const auto step = (*walk)->next();
      if (!step || !*step) {
        break;
      }
      if (const WalkItem* const item = item_of(**step)) {
        files += 1;
        bytes += item->entry.type == EntryType::file ? item->size_bytes : 0;
      }
    }
  }
  if (!stop.stop_requested()) {
    meter.set_totals(files, bytes);
  }
}

}  // namespace

core::Result<BackupSources> find_sources(const std::vector<std::string>& paths,
                                         const std::map<std::string, std::string>& read_from,
                                         bool may_be_missing, Observer& observer) {
  std::vector<std::string> clean;
  clean.reserve(paths.size());
  for (const std::string& path : paths) {
    CAIRN_TRY(clean.emplace_back(), normal_path(path));
  }
  if (clean.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "nothing to back up was named");
  }
  for (const auto& [path, place] : read_from) {
    if (!place.starts_with('/')) {
      return core::fail(
          core::ErrorCode::invalid_argument,
          fmt::format("back up {}: it is to be read at \"{}\", no absolute path", path, place));
    }
  }
  std::set<std::string> missing;
  if (!may_be_missing) {
    CAIRN_TRY(missing, look_at(clean, read_from, observer));
  }
  std::ranges::sort(clean, is_before);
  clean.erase(std::unique(clean.begin(), clean.end()), clean.end());
  BackupSources sources;
  sources.read_from = read_from;
  for (std::string& path : clean) {
    if (missing.contains(path)) {
      continue;
    }
    if (!sources.paths.empty() && is_at_or_below(path, sources.paths.back())) {
      if (!read_from.empty()) {
        return core::fail(core::ErrorCode::invalid_argument,
                          fmt::format("{} is to be recorded within another source", path),
                          "give each of them a path of its own, or name them in two backups");
      }
      observer.detail(fmt::format("{} is part of another source", path));
      sources.named.push_back(std::move(path));
    } else {
      sources.paths.push_back(std::move(path));
    }
  }
  // Each of these is reported as a problem when its turn comes.
  sources.paths.insert(sources.paths.end(), missing.begin(), missing.end());
  std::ranges::sort(sources.paths);
  std::ranges::sort(sources.named);
  CAIRN_TRY_STATUS(check_source_list(sources.paths));
  return sources;
}

std::vector<InodeId> own_folders(CatalogueView view) {
  std::vector<InodeId> folders;
  for (const std::string& folder :
       {view.repository.backend->local_folder(), view.catalogue_folder()}) {
    Statx status{};
    if (!folder.empty() && stat_followed(folder.c_str(), status) == 0) {
      folders.push_back(inode_id(status));
    }
  }
  return folders;
}

void set_sources(const BackupSources& sources, const Choice& choice, WalkOptions& walk) {
  walk.choice = &choice;
  walk.named = &sources.named;
  walk.own_folders = sources.own_folders;
}

Estimate::Estimate(const core::Threads& threads, const BackupSources& sources, const Choice& choice,
                   ProgressMeter& meter) {
  auto thread = core::GuardedThread::start(
      threads, {.action = "counting what there is",
                .work = [this, &sources, &choice, &meter]() -> core::Status {
                  count(sources, choice, meter, stop_.get_token());
                  return {};
                }});
  if (thread) {
    thread_ = *std::move(thread);
  }
}

}  // namespace cairn::repo::ops
