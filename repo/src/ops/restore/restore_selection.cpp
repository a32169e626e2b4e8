#include "ops/restore/restore_selection.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "ops/tree/stored_tree_walk.h"

namespace cairn::repo::ops {

core::Result<RestoreSelection> select_sources(CatalogueView view, const Snapshot& snapshot,
                                              const std::string& path) {
  RestoreSelection selection;
  selection.above = "/";
  if (!path.empty()) {
    CAIRN_TRY(Located located, locate(view, snapshot, path));
    if (located.source != nullptr) {
      selection.located = std::move(located);
      return selection;
    }
    selection.above = std::move(located.path);
  }
  for (const Source& source : snapshot.sources) {
    if (selection.above == "/" || source.path.starts_with(selection.above + '/')) {
      selection.sources.push_back(&source);
    }
  }
  return selection;
}

core::Result<Destination> destination_of(const RestoreSelection& selection,
                                         const std::string& target) {
  std::error_code error;
  const auto status = std::filesystem::status(target, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_directory(status)) {
    return Destination{target, {}};
  }
  if (!selection.located || selection.located->entry.type == EntryType::folder) {
    return core::fail(
        core::ErrorCode::invalid_argument,
        fmt::format("the target {} is a file, and what is restored is a folder", target),
        "--target names the folder to restore into");
  }
  const auto slash = target.rfind('/');
  const std::string folder = target.substr(0, slash == std::string::npos ? 0 : slash);
  return Destination{folder.empty() ? "/" : folder, target.substr(slash + 1)};
}

namespace {

/// Searches a recorded tree until something is selected.
class SelectionSearch {
 public:
  SelectionSearch(CatalogueView view, const RestoreOptions& options)
      : view_(view), options_(options) {}

  [[nodiscard]] bool finds_in(const ChunkId& node, const std::string& path) {
    StoredTreeWalk<> walk(view_, options_.stop);
    static_cast<void>(walk.enter(node, path));
    while (!walk.has_ended()) {
      const auto entry = walk.next();
      if (!entry) {
        return true;
      }
      if (!*entry) {
        walk.leave();
        continue;
      }
      std::string inside = walk.path_of((*entry)->name);
      const bool is_folder = (*entry)->type == EntryType::folder;
      if (!options_.selects(inside, is_folder)) {
        continue;
      }
      if (!is_folder || !is_only_passed(inside)) {
        return true;
      }
      // What lies too deep is not restored either.
      static_cast<void>(walk.enter((*entry)->folder.node, std::move(inside)));
    }
    return false;
  }
  /// The object itself, or something in it.
  [[nodiscard]] bool finds(const Entry& entry, const std::string& path) {
    const bool is_folder = entry.type == EntryType::folder;
    if (path != "/" && !options_.selects(path, is_folder)) {
      return false;
    }
    return !is_folder || (path != "/" && !is_only_passed(path)) ||
           finds_in(entry.folder.node, path);
  }

 private:
  [[nodiscard]] bool is_only_passed(const std::string& path) const {
    return options_.is_only_passed && options_.is_only_passed(path);
  }

  CatalogueView view_;
  const RestoreOptions& options_;
};

}  // namespace

bool selects_anything(CatalogueView view, const Entry& entry, const std::string& path,
                      const RestoreOptions& options) {
  return SelectionSearch(view, options).finds(entry, path);
}

core::Status check_selects_anything(CatalogueView view, const RestoreSelection& selection,
                                    const RestoreOptions& options) {
  if (!options.selects) {
    return {};
  }
  SelectionSearch search(view, options);
  bool found = false;
  if (selection.located) {
    const Entry& entry = selection.located->entry;
    const std::string& path = selection.located->path;
    if (entry.type == EntryType::folder) {
      found = entry.folder.entries_below == 0 || search.finds_in(entry.folder.node, path);
    } else {
      found = options.selects(path, false);
    }
  }
  for (const Source* source : selection.sources) {
    const auto entry = found ? core::Result<Entry>(Entry()) : read_root(view, *source);
    found = found || !entry || search.finds(*entry, source->path);
  }
  if (!found) {
    return core::fail(core::ErrorCode::not_found,
                      "nothing in the snapshot is selected: nothing was restored",
                      "see the patterns; cairn find says what a pattern matches");
  }
  return {};
}

std::string_view below_path(std::string_view path, std::string_view above) {
  path.remove_prefix(above == "/" ? 1 : above.size() + 1);
  return path;
}

}  // namespace cairn::repo::ops
