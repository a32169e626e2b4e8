#include "cairn/repo/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <thread>
#include <utility>

#include "ops/restore_files.h"
#include "ops/restore_target.h"
#include "ops/restore_walk.h"
#include "ops/state.h"
#include "ops/tree_reader.h"

namespace cairn::repo {

namespace {

using ops::RestoreWalk;
using ops::State;
using ops::TargetFolder;

/// Folders above the sources, which no snapshot records: made once, shared by the sources.
class FoldersAbove {
 public:
  FoldersAbove(ops::RestoreTarget* target, std::shared_ptr<TargetFolder> root)
      : target_(target), root_(std::move(root)) {}

  /// The folder for `path`, a relative path without its last component's object.
  core::Result<std::shared_ptr<TargetFolder>> get(std::string_view path) {
    std::shared_ptr<TargetFolder> folder = root_;
    std::string reached;
    while (!path.empty()) {
      const std::string name(path.substr(0, path.find('/')));
      path.remove_prefix(std::min(path.size(), name.size() + 1));
      reached += '/' + name;
      auto& known = made_[reached];
      if (known == nullptr) {
        CAIRN_TRY(known, make(folder, name));
      }
      folder = known;
    }
    return folder;
  }

  void release() {
    for (auto& [path, folder] : made_) {
      if (target_ != nullptr && folder != nullptr) {
        target_->release(std::move(folder));
      }
    }
    made_.clear();
  }

 private:
  core::Result<std::shared_ptr<TargetFolder>> make(const std::shared_ptr<TargetFolder>& parent,
                                                   const std::string& name) {
    if (target_ != nullptr) {
      return target_->make_folder(parent, name, std::nullopt);
    }
    auto folder = std::make_shared<TargetFolder>();
    folder->path = ops::join_path(parent->path, name);
    return folder;
  }

  ops::RestoreTarget* target_;
  std::shared_ptr<TargetFolder> root_;
  std::map<std::string, std::shared_ptr<TargetFolder>> made_;
};

/// What one restore works with.
struct Work {
  State& state;
  const Snapshot& snapshot;
  const RestoreOptions& options;
  ops::RestoreTarget* target;
  std::shared_ptr<TargetFolder> root;
  RestoreWalk& walk;
  ops::ProblemList& problems;
};

/// A folder goes into the target itself, with its metadata; anything else under its own name.
core::Status restore_located(Work& work, const ops::Located& located) {
  const std::string inside_source =
      located.path == located.source->path
          ? std::string()
          : located.path.substr(located.source->path == "/" ? 1 : located.source->path.size() + 1);
  if (located.entry.type != EntryType::folder) {
    Entry entry = located.entry;
    entry.name = located.path.substr(located.path.rfind('/') + 1);
    const auto above = inside_source.rfind('/');
    return work.walk.restore_object(
        {work.root, above == std::string::npos ? std::string() : inside_source.substr(0, above)},
        std::move(entry));
  }
  work.walk.count(located.entry);
  if (work.target != nullptr && work.target->was_empty()) {
    work.root->entry = located.entry;
  }
  work.root->pending += 1;
  return work.walk.restore_children({work.root, inside_source}, located.entry.folder);
}

/// One source under the path that it had, below `above` (the part of the path that is left out).
core::Status restore_source(Work& work, FoldersAbove& above_folders, const Source& source,
                            std::string_view above) {
  auto entry = ops::read_root(work.state, source);
  if (!entry) {
    work.problems.add({ProblemKind::unreadable, source.path, entry.error().message()});
    return {};
  }
  if (source.path == "/") {
    return restore_located(work, {&source, source.path, std::move(*entry)});
  }
  std::string_view relative = source.path;
  relative.remove_prefix(above == "/" ? 1 : above.size() + 1);
  const auto slash = relative.rfind('/');
  const auto folders =
      slash == std::string_view::npos ? std::string_view() : relative.substr(0, slash);
  CAIRN_TRY(auto folder, above_folders.get(folders));
  entry->name =
      std::string(slash == std::string_view::npos ? relative : relative.substr(slash + 1));
  if (entry->type != EntryType::folder) {
    return work.walk.restore_object({folder, std::string()}, std::move(*entry));
  }
  const FolderContent content = entry->folder;
  work.walk.count(*entry);
  std::shared_ptr<TargetFolder> own;
  if (work.target != nullptr) {
    std::string name = entry->name;
    CAIRN_TRY(own, work.target->make_folder(folder, std::move(name), std::move(*entry)));
  } else {
    own = std::make_shared<TargetFolder>();
    own->path = ops::join_path(folder->path, entry->name);
  }
  return work.walk.restore_children({own, std::string()}, content);
}

core::Status restore_selection(Work& work) {
  std::string above = "/";
  if (!work.options.path.empty()) {
    CAIRN_TRY(const ops::Located located,
              ops::locate(work.state, work.snapshot, work.options.path));
    if (located.source != nullptr) {
      return restore_located(work, located);
    }
    above = located.path;
  }
  FoldersAbove folders(work.target, work.root);
  core::Status status;
  for (const Source& source : work.snapshot.sources) {
    const bool is_below = above == "/" || source.path.starts_with(above + '/');
    if (is_below && status) {
      status = restore_source(work, folders, source, above);
    }
  }
  folders.release();
  return status;
}

std::string temporary_prefix(core::Random& random) {
  std::array<std::byte, 8> bytes{};
  random.fill(bytes);
  return ".cairn-restore-" + core::to_hex(bytes) + '-';
}

core::Status restore_into_target(Work& work, ops::RestoreFiles& files, Observer& observer) {
  auto status = restore_selection(work);
  // Files that are on their way are finished or removed in any case.
  auto finished = files.finish(observer);
  if (status) {
    status = std::move(finished);
  }
  CAIRN_TRY_STATUS(std::move(status));
  CAIRN_TRY_STATUS(work.walk.make_links());
  work.target->release(work.root);
  return {};
}

void set_totals(ops::ProgressMeter& meter, const Snapshot& snapshot,
                const RestoreOptions& options) {
  if (!options.path.empty()) {
    return;
  }
  TreeCounts total;
  for (const Source& source : snapshot.sources) {
    total.files += source.counts.files;
    total.bytes += source.counts.bytes;
  }
  meter.set_totals(total.files, total.bytes);
}

}  // namespace

core::Result<RestoreReport> restore(Repository& repository, const Snapshot& snapshot,
                                    const RestoreOptions& options, Observer& observer) {
  State& state = repository.state();
  if (!state.keys->can_read_metadata() || !state.keys->can_read_data()) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot read contents", to_string(state.keys->role())),
        "use a key of role admin or restore");
  }
  CAIRN_TRY_STATUS(ops::ensure_catalogue(state, observer));
  const std::uint64_t read_before = state.blocks->bytes_read();
  ops::ProgressMeter meter(observer, state.environment.clock);
  ops::ProblemList problems(meter);
  set_totals(meter, snapshot, options);
  RestoreReport report;

  if (options.dry_run) {
    RestoreWalk walk(state, nullptr, nullptr, problems);
    auto root = std::make_shared<TargetFolder>();
    root->path = options.target;
    Work work{state, snapshot, options, nullptr, std::move(root), walk, problems};
    CAIRN_TRY_STATUS(restore_selection(work));
    report.restored = walk.counts();
  } else {
    CAIRN_TRY(
        const auto target,
        ops::RestoreTarget::open({.path = options.target,
                                  .overwrite = options.overwrite,
                                  .numeric_ids = options.numeric_ids,
                                  .temporary_prefix = temporary_prefix(state.environment.random)},
                                 problems));
    ops::RestoreFilesOptions file_options;
    file_options.workers =
        options.workers != 0 ? options.workers : std::max(1U, std::thread::hardware_concurrency());
    file_options.stop = options.stop;
    ops::RestoreFiles files(state, *target, file_options, problems, meter);
    RestoreWalk walk(state, target.get(), &files, problems);
    Work work{state, snapshot, options, target.get(), target->root(), walk, problems};
    CAIRN_TRY_STATUS(restore_into_target(work, files, observer));
    report.restored = walk.counts();
    report.skipped_owner = target->counts().skipped_owner;
    report.skipped_special = target->counts().skipped_special;
    report.bytes_written = target->counts().bytes_written;
  }
  meter.finish();
  report.bytes_read = state.blocks->bytes_read() - read_before;
  report.problem_count = problems.count();
  report.problems = problems.take();
  return report;
}

}  // namespace cairn::repo
