#include "cairn/repo/restore.h"
#include "cairn/core/workers.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "ops/choice/left_out.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/access.h"
#include "ops/repository/catalogue_view.h"
#include "ops/restore/restore_files.h"
#include "ops/restore/restore_selection.h"
#include "ops/restore/restore_walk.h"
#include "ops/target/restore_target.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo {

namespace {

using ops::CatalogueView;
using ops::RestoreWalk;
using ops::TargetFolder;

/// Folders above the sources: made once, as recorded, and shared by the sources. Existing ones are
/// not changed.
class FoldersAbove {
 public:
  /// `above`: the absolute path in the snapshot that the target stands for.
  FoldersAbove(ops::RestoreTarget& target, const Snapshot& snapshot, std::string above)
      : target_(target), snapshot_(snapshot), above_(std::move(above)) {}

  /// The folder for `path`, relative to the target. nullptr: something else is kept in its place.
  core::Result<std::shared_ptr<TargetFolder>> get(std::string_view path) {
    std::shared_ptr<TargetFolder> folder = target_.root();
    std::string reached;
    while (!path.empty() && folder != nullptr) {
      const std::string name(path.substr(0, path.find('/')));
      path.remove_prefix(std::min(path.size(), name.size() + 1));
      reached += '/' + name;
      const auto known = made_.find(reached);
      if (known == made_.end()) {
        CAIRN_TRY(const ops::Standing standing, target_.names().look(*folder, name));
        std::string in_snapshot = ops::join_path(above_, std::string_view(reached).substr(1));
        auto entry = standing && S_ISDIR(standing->st_mode) ? std::nullopt : recorded(in_snapshot);
        CAIRN_TRY(folder, target_.make_folder(folder, name, std::move(entry), in_snapshot));
        made_.emplace(reached, folder);
      } else {
        folder = known->second;
      }
    }
    return folder;
  }

  void release() {
    for (auto& [path, folder] : made_) {
      target_.release(std::move(folder));
    }
    made_.clear();
  }

 private:
  [[nodiscard]] std::optional<Entry> recorded(const std::string& path) const {
    const auto found = std::ranges::find(snapshot_.folders_above, path, &FolderAbove::path);
    if (found == snapshot_.folders_above.end()) {
      return std::nullopt;
    }
    Entry entry;
    entry.type = EntryType::folder;
    entry.mode = found->mode;
    entry.owner = found->owner;
    entry.mtime = found->mtime;
    entry.xattrs = found->xattrs;
    return entry;
  }

  ops::RestoreTarget& target_;
  const Snapshot& snapshot_;
  const std::string above_;
  std::map<std::string, std::shared_ptr<TargetFolder>> made_;
};

/// What one restore works with.
struct Work {
  CatalogueView view;
  const Snapshot& snapshot;
  const RestoreOptions& options;
  ops::RestoreTarget& target;
  RestoreWalk& walk;
  const ops::RestoreSelection& selection;
  std::string name;  ///< the name for a single object; empty: its own
};

/// A folder goes into the target itself, with its metadata; anything else under its own name.
core::Status restore_located(Work& work, const ops::Located& located) {
  const std::string& source_path = located.source->path;
  const std::string inside_source =
      located.path == source_path
          ? std::string()
          : located.path.substr(source_path == "/" ? 1 : source_path.size() + 1);
  const auto& root = work.target.root();
  if (located.entry.type != EntryType::folder) {
    Entry entry = located.entry;
    entry.name = located.path.substr(located.path.rfind('/') + 1);
    const auto above = inside_source.rfind('/');
    // The path of a source that is a file is the file itself.
    const std::string above_source =
        inside_source.empty() ? source_path.substr(0, source_path.rfind('/')) : source_path;
    return work.walk.restore_object(
        {root, above_source.empty() ? "/" : above_source,
         above == std::string::npos ? std::string() : inside_source.substr(0, above)},
        std::move(entry), work.name);
  }
  work.target.describe_root(located.entry, located.path);
  root->pending += 1;
  return work.walk.restore_children({root, source_path, inside_source}, located.entry.folder);
}

/// Restores one source under its original path, below `above` (the part of the path that is left
/// out).
core::Status restore_source(Work& work, FoldersAbove& above_folders, const Source& source,
                            std::string_view above) {
  auto entry = ops::read_root(work.view, source);
  if (!entry) {
    work.target.log().failed(1, source.path, entry.error().message());
    return {};
  }
  if (source.path == "/") {
    return restore_located(work, {&source, source.path, std::move(*entry)});
  }
  if (!work.target.options().takes(source.path, entry->type == EntryType::folder) ||
      (work.target.options().passes(source.path) &&
       !ops::selects_anything(work.view, *entry, source.path, work.options))) {
    return {};
  }
  const std::string_view relative = ops::below_path(source.path, above);
  const auto slash = relative.rfind('/');
  const auto folders =
      slash == std::string_view::npos ? std::string_view() : relative.substr(0, slash);
  // A folder that cannot be made costs this source only.
  const auto give_up = [&](core::Error error) -> core::Status {
    return work.walk.give_up(source.path, 1 + entry->folder.entries_below, std::move(error));
  };
  auto made = above_folders.get(folders);
  if (!made) {
    return give_up(std::move(made).error());
  }
  const auto& folder = *made;
  if (folder == nullptr) {
    return {};
  }
  entry->name =
      std::string(slash == std::string_view::npos ? relative : relative.substr(slash + 1));
  if (entry->type != EntryType::folder) {
    const std::string above_source = source.path.substr(0, source.path.rfind('/'));
    return work.walk.restore_object({folder, above_source.empty() ? "/" : above_source, {}},
                                    std::move(*entry));
  }
  const FolderContent content = entry->folder;
  std::string name = entry->name;
  auto own = work.target.make_folder(folder, std::move(name), *entry, source.path);
  if (!own) {
    return give_up(std::move(own).error());
  }
  return *own == nullptr
             ? core::Status()
             : work.walk.restore_children({std::move(*own), source.path, std::string()}, content);
}

core::Status restore_selection(Work& work) {
  const ops::RestoreSelection& selection = work.selection;
  if (selection.located) {
    return restore_located(work, *selection.located);
  }
  FoldersAbove folders(work.target, work.snapshot, selection.above);
  core::Status status;
  for (const Source* source : selection.sources) {
    if (status) {
      status = restore_source(work, folders, *source, selection.above);
    }
  }
  folders.release();
  return status;
}

core::Status restore_into_target(Work& work, ops::RestoreFiles& files, ops::OpenRepository& open,
                                 Observer& observer) {
  auto status = restore_selection(work);
  // Files being restored are finished or removed in any case.
  auto finished = files.finish(open, observer);
  if (status) {
    status = std::move(finished);
  }
  CAIRN_TRY_STATUS(std::move(status));
  CAIRN_TRY_STATUS(work.walk.make_links());
  work.target.release(work.target.root());
  return {};
}

ops::ProtectedObjects protected_objects(CatalogueView view, const RestoreOptions& options) {
  ops::ProtectedObjects objects;
  objects.add(view.repository.backend->local_folder(), "the repository");
  objects.add(view.catalogue_folder(), "the cache");
  for (const std::string& path : options.protects) {
    objects.add(path, "a file");
  }
  return objects;
}

void set_totals(ops::ProgressMeter& meter, const Snapshot& snapshot,
                const RestoreOptions& options) {
  if (!options.path.empty()) {
    return;
  }
  const TreeCounts total = counts_of(snapshot);
  meter.set_totals(total.files, total.bytes);
}

}  // namespace

/// `has_begun`: set once the target is known to be usable with these options.
static core::Result<RestoreReport> restore_once(ops::OpenRepository& open, CatalogueView view,
                                                const Snapshot& snapshot,
                                                const RestoreOptions& options, Observer& observer,
                                                bool& has_begun) {
  CAIRN_TRY(const ops::RestoreSelection selection,
            ops::select_sources(view, snapshot, options.path));
  CAIRN_TRY_STATUS(ops::check_selects_anything(view, selection, options));
  CAIRN_TRY(const ops::Destination destination, ops::destination_of(selection, options.target));
  if (!destination.name.empty() && options.overwrite == Overwrite::refuse) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("{} is there already", options.target),
                      "say with --overwrite what happens to what is there");
  }
  std::vector<Choice> left_out;
  if (options.delete_extra && !options.delete_excluded) {
    CAIRN_TRY(left_out, ops::choices_of(snapshot));
  }
  const std::uint64_t read_before = view.repository.blocks->bytes_read();
  ops::ProgressMeter meter(observer, view.repository.environment.clock);
  ops::ProblemList problems(meter);
  set_totals(meter, snapshot, options);
  ops::RestoreLog log(meter, problems);
  CAIRN_TRY(const auto target,
            ops::RestoreTarget::open(
                {.path = destination.folder,
                 .overwrite = options.overwrite,
                 .delete_extra = options.delete_extra,
                 .dry_run = options.dry_run,
                 .metadata = {options.numeric_ids, options.no_owner, options.selects_xattr},
                 .selects = options.selects,
                 .protects = protected_objects(view, options),
                 .unread = ops::UnreadPaths(snapshot),
                 .left_out = std::move(left_out),
                 .is_only_passed = options.is_only_passed,
                 .stop = options.stop},
                log));
  has_begun = true;
  meter.phase("writing the target");
  ops::RestoreFilesOptions file_options;
  file_options.workers = core::worker_count(view.repository.environment.threads, options.workers);
  file_options.stop = options.stop;
  ops::RestoreFiles files(view, *target, file_options, meter);
  RestoreWalk walk(view, snapshot, *target, files);
  Work work{view, snapshot, options, *target, walk, selection, destination.name};
  if (auto status = restore_into_target(work, files, open, observer); !status) {
    RestoreReport until_then;
    log.fill(until_then);
    observer.warning(
        fmt::format("{} files of {} bytes stood in {} as recorded until then; the same "
                    "with --overwrite if-changed goes on from there",
                    until_then.restored.files, until_then.restored.bytes, options.target));
    return core::fail(std::move(status).error());
  }
  meter.finish();

  RestoreReport report;
  log.fill(report);
  report.as_superuser = target->metadata().is_superuser();
  report.bytes_read = view.repository.blocks->bytes_read() - read_before;
  report.problem_count = problems.count();
  report.problems = problems.take();
  return report;
}

core::Result<RestoreReport> restore(Repository& repository, const Snapshot& snapshot,
                                    const RestoreOptions& options, Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_data_key(open));
  if (options.delete_extra) {
    CAIRN_TRY_STATUS(ops::check_knows_what_it_lacks(snapshot));
  }
  RestoreOptions now = options;
  bool has_begun = false;
  const auto once = [&](CatalogueView view) {
    if (has_begun && now.overwrite == Overwrite::refuse) {
      now.overwrite = Overwrite::if_changed;  // what is there now is from the first run
    }
    return restore_once(open, view, snapshot, now, observer, has_begun);
  };
  return ops::reported_verb(observer, "restore",
                            [&] { return ops::with_catalogue(open, observer, once); });
}

}  // namespace cairn::repo
