#include "cairn/repo/browse.h"

#include <fmt/format.h>

#include <utility>

#include "ops/repository/access.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/file_content.h"
#include "ops/tree/stored_tree_walk.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using ops::CatalogueView;

core::Status list_children(CatalogueView view, const std::string& folder_path, const ChunkId& node,
                           bool recursive,
                           const std::function<core::Status(const ListedEntry&)>& visit) {
  ops::StoredTreeWalk<> walk(view);
  CAIRN_TRY_STATUS(walk.enter(node, folder_path));
  while (!walk.has_ended()) {
    CAIRN_TRY(auto entry, walk.next());
    if (!entry) {
      walk.leave();
      continue;
    }
    ListedEntry listed{walk.path_of(entry->name), std::move(*entry), true};
    CAIRN_TRY_STATUS(visit(listed));
    if (recursive && listed.entry.type == EntryType::folder) {
      CAIRN_TRY_STATUS(walk.enter(listed.entry.folder.node, std::move(listed.path)));
    }
  }
  return {};
}

/// The sources, and folders above sources, that are directly in `folder`.
core::Status list_above(CatalogueView view, const Snapshot& snapshot, const std::string& folder,
                        bool recursive,
                        const std::function<core::Status(const ListedEntry&)>& visit) {
  std::string last;
  for (const Source& source : snapshot.sources) {
    const std::string prefix = folder == "/" ? "/" : folder + '/';
    if (!source.path.starts_with(prefix) || source.path.size() == prefix.size()) {
      continue;
    }
    const auto slash = source.path.find('/', prefix.size());
    std::string child = source.path.substr(0, slash);
    if (child == last) {
      continue;
    }
    last = child;
    CAIRN_TRY(const ops::Located located, ops::locate(view, snapshot, child));
    ListedEntry listed{child, located.entry, located.source != nullptr};
    listed.entry.name = child.substr(prefix.size());
    CAIRN_TRY_STATUS(visit(listed));
    if (!recursive || listed.entry.type != EntryType::folder) {
      continue;
    }
    if (located.source == nullptr) {
      CAIRN_TRY_STATUS(list_above(view, snapshot, child, recursive, visit));
    } else {
      CAIRN_TRY_STATUS(list_children(view, child, located.entry.folder.node, recursive, visit));
    }
  }
  return {};
}

core::Status list_source(CatalogueView view, const Snapshot& snapshot, const Source& source,
                         bool recursive,
                         const std::function<core::Status(const ListedEntry&)>& visit) {
  CAIRN_TRY(const ops::Located located, ops::locate(view, snapshot, source.path));
  ListedEntry listed{source.path, located.entry, true};
  listed.entry.name = source.path.substr(source.path.rfind('/') + 1);
  CAIRN_TRY_STATUS(visit(listed));
  if (located.entry.type != EntryType::folder) {
    return {};
  }
  return list_children(view, source.path, located.entry.folder.node, recursive, visit);
}

}  // namespace

SnapshotPath parse_snapshot_path(std::string_view text) {
  const auto colon = text.find(":/");
  if (colon == std::string_view::npos) {
    return {std::string(text), std::string()};
  }
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

static core::Status list_entries_once(
    ops::CatalogueView view, const Snapshot& snapshot, const ListOptions& options,
    const std::function<core::Status(const ListedEntry&)>& visit) {
  if (options.path.empty()) {
    for (const Source& source : snapshot.sources) {
      CAIRN_TRY_STATUS(list_source(view, snapshot, source, options.recursive, visit));
    }
    return {};
  }
  CAIRN_TRY(const ops::Located located, ops::locate(view, snapshot, options.path));
  if (located.source == nullptr) {
    return list_above(view, snapshot, located.path, options.recursive, visit);
  }
  if (located.entry.type != EntryType::folder) {
    ListedEntry listed{located.path, located.entry, true};
    listed.entry.name = located.path.substr(located.path.rfind('/') + 1);
    return visit(listed);
  }
  return list_children(view, located.path, located.entry.folder.node, options.recursive, visit);
}

core::Result<bool> is_folder(Repository& repository, const Snapshot& snapshot,
                             std::string_view path, Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  CAIRN_TRY(const ops::CatalogueView view, ops::ensure_catalogue(open, observer));
  CAIRN_TRY(const ops::Located located, ops::locate(view, snapshot, path));
  return located.entry.type == EntryType::folder;
}

static core::Status dump_file_once(ops::CatalogueView view, const Snapshot& snapshot,
                                   std::string_view path,
                                   const std::function<core::Status(core::ByteView)>& write) {
  CAIRN_TRY(const ops::Located located, ops::locate(view, snapshot, path));
  if (located.source == nullptr || located.entry.type != EntryType::file) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} is no file in this snapshot", located.path),
                      "a folder can be written as a tar archive");
  }
  return ops::read_content(view, located.entry.content, located.path, write);
}

core::Status list_entries(Repository& repository, const Snapshot& snapshot,
                          const ListOptions& options, Observer& observer,
                          const std::function<core::Status(const ListedEntry&)>& visit) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  bool shown = false;
  const auto note = [&](const ListedEntry& listed) {
    shown = true;
    return visit(listed);
  };
  return ops::with_catalogue(
      open, observer,
      [&](ops::CatalogueView view) { return list_entries_once(view, snapshot, options, note); },
      &shown);
}

core::Status dump_file(Repository& repository, const Snapshot& snapshot, std::string_view path,
                       Observer& observer,
                       const std::function<core::Status(core::ByteView)>& write) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  CAIRN_TRY_STATUS(ops::require_data_key(open));
  bool shown = false;
  const auto note = [&](core::ByteView bytes) {
    shown = true;
    return write(bytes);
  };
  return ops::with_catalogue(
      open, observer,
      [&](ops::CatalogueView view) { return dump_file_once(view, snapshot, path, note); }, &shown);
}

}  // namespace cairn::repo
