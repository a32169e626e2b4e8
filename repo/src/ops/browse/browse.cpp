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
using VisitEntry = std::function<core::Status(const ListedEntry&)>;

core::Status list_children(CatalogueView view, const std::string& folder_path, const ChunkId& node,
                           bool recursive, const VisitEntry& visit) {
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

/// A folder's children, also of one above sources, of which there are few levels.
core::Status list_below(CatalogueView view, const OpenedSnapshot& opened, const ListedEntry& folder,
                        bool recursive, const VisitEntry& visit) {
  if (folder.is_recorded) {
    return list_children(view, folder.path, folder.entry.folder.node, recursive, visit);
  }
  CAIRN_TRY(FolderListing listing, opened.list(folder));
  while (true) {
    CAIRN_TRY(const auto listed, listing.next());
    if (!listed) {
      return {};
    }
    CAIRN_TRY_STATUS(visit(*listed));
    if (recursive && listed->entry.type == EntryType::folder) {
      CAIRN_TRY_STATUS(list_below(view, opened, *listed, recursive, visit));
    }
  }
}

}  // namespace

SnapshotPath parse_snapshot_path(std::string_view text) {
  const auto colon = text.find(":/");
  if (colon == std::string_view::npos) {
    return {std::string(text), std::string()};
  }
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

static core::Status list_entries_once(CatalogueView view, const OpenedSnapshot& opened,
                                      const ListOptions& options, const VisitEntry& visit) {
  if (options.path.empty()) {
    for (const Source& source : opened.snapshot().sources) {
      CAIRN_TRY(const ListedEntry listed, opened.lookup(source.path));
      CAIRN_TRY_STATUS(visit(listed));
      if (listed.entry.type == EntryType::folder) {
        CAIRN_TRY_STATUS(list_below(view, opened, listed, options.recursive, visit));
      }
    }
    return {};
  }
  CAIRN_TRY(const ListedEntry listed, opened.lookup(options.path));
  return listed.entry.type == EntryType::folder
             ? list_below(view, opened, listed, options.recursive, visit)
             : visit(listed);
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
                          const ListOptions& options, Observer& observer, const VisitEntry& visit) {
  ops::OpenRepository& open = ops::opened(repository);
  bool shown = false;
  const auto note = [&](const ListedEntry& listed) {
    shown = true;
    return visit(listed);
  };
  const auto once = [&]() -> core::Status {
    CAIRN_TRY(const auto opened, OpenedSnapshot::open(repository, snapshot, observer));
    return list_entries_once(*ops::catalogue_if_open(open), opened, options, note);
  };
  return ops::with_sound_catalogue(open, observer, once, &shown);
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
