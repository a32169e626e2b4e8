#include "ops/tree/tree_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ops/tree/content_cursor.h"
#include "ops/tree/damaged_node.h"
#include "ops/tree/folder_cursor.h"

namespace cairn::repo::ops {

namespace {

using core::ErrorCode;

std::optional<std::string_view> first_component(std::string_view path) {
  if (path.empty()) {
    return std::nullopt;
  }
  return path.substr(0, path.find('/'));
}

/// The rest of `path` below `above`, without a leading '/'; nullopt if it is not below.
std::optional<std::string_view> rest_below(std::string_view path, std::string_view above) {
  if (path == above) {
    return std::string_view();
  }
  if (above == "/") {
    return path.substr(1);
  }
  if (path.starts_with(above) && path[above.size()] == '/') {
    return path.substr(above.size() + 1);
  }
  return std::nullopt;
}

/// Sets `absent` if the path does not exist; the result is then meaningless.
core::Result<Located> locate_in_source(CatalogueView view, const Source& source, std::string path,
                                       std::string_view rest, std::optional<core::Error>& absent) {
  Located located;
  located.source = &source;
  located.path = std::move(path);
  CAIRN_TRY(located.entry, read_root(view, source));
  std::string reached = source.path;
  while (const auto name = first_component(rest)) {
    if (located.entry.type != EntryType::folder) {
      absent.emplace(ErrorCode::not_found,
                     fmt::format("{} is no folder in this snapshot", reached));
      return located;
    }
    CAIRN_TRY(auto found, FolderCursor(view, located.entry.folder.node).find(*name));
    if (!found) {
      absent.emplace(ErrorCode::not_found,
                     fmt::format("there is no {} in {} of this snapshot", *name, reached));
      return located;
    }
    located.entry = std::move(*found);
    reached = join_path(reached, *name);
    rest.remove_prefix(std::min(rest.size(), name->size() + 1));
  }
  return located;
}

core::Result<Located> locate_unless_absent(CatalogueView view, const Snapshot& snapshot,
                                           std::string_view path,
                                           std::optional<core::Error>& absent) {
  CAIRN_TRY(std::string normal, normal_path(path));
  for (const Source& source : snapshot.sources) {
    if (const auto rest = rest_below(normal, source.path)) {
      return locate_in_source(view, source, normal, *rest, absent);
    }
  }
  const bool is_above = std::ranges::any_of(snapshot.sources, [&normal](const Source& source) {
    return rest_below(source.path, normal).has_value();
  });
  Located located;
  if (!is_above) {
    std::string known;
    for (const Source& source : snapshot.sources) {
      known += (known.empty() ? "" : ", ") + source.path;
    }
    absent.emplace(ErrorCode::not_found, fmt::format("{} is not in this snapshot", normal),
                   fmt::format("it holds {}", known));
    return located;
  }
  located.entry.type = EntryType::folder;
  located.entry.mode = 0755;
  located.entry.name = normal.substr(normal.rfind('/') + 1);
  located.path = std::move(normal);
  return located;
}

}  // namespace

core::Result<core::Bytes> read_node(CatalogueView view, const ChunkId& id) {
  auto bytes = view.chunks().get(id, format::BlockKind::metadata);
  if (!bytes) {
    return core::fail(std::move(bytes).error().with_context("node " + id.hex()));
  }
  return bytes;
}

core::Status for_each_item(
    CatalogueView view, const Content& content,
    const std::function<core::Status(std::uint64_t, const ContentItem&)>& visit) {
  ContentCursor cursor(view, content);
  for (std::uint64_t offset = 0;;) {
    CAIRN_TRY(const auto item, cursor.next());
    if (!item) {
      return {};
    }
    CAIRN_TRY_STATUS(visit(offset, *item));
    offset += item->length_bytes;
  }
}

core::Result<Entry> read_root(CatalogueView view, const Source& source) {
  CAIRN_TRY(const core::Bytes node, read_node(view, source.root));
  return in_node(format::decode_root(node), source.root);
}

core::Result<std::string> normal_path(std::string_view path) {
  if (!path.starts_with('/')) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{}: paths inside a snapshot are absolute", path));
  }
  std::string normal;
  while (!path.empty()) {
    path.remove_prefix(std::min(path.size(), std::size_t{1}));
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name == "..") {
      return core::fail(ErrorCode::invalid_argument, "a path inside a snapshot has no \"..\"");
    }
    if (!name.empty() && name != ".") {
      normal += '/';
      normal += name;
    }
  }
  return normal.empty() ? std::string("/") : normal;
}

std::string join_path(std::string_view folder, std::string_view name) {
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  path += folder;
  if (!path.ends_with('/')) {
    path += '/';
  }
  path += name;
  return path;
}

core::Result<Located> locate(CatalogueView view, const Snapshot& snapshot, std::string_view path) {
  std::optional<core::Error> absent;
  CAIRN_TRY(Located located, locate_unless_absent(view, snapshot, path, absent));
  if (absent) {
    return core::fail(std::move(*absent));
  }
  return located;
}

core::Result<std::optional<Located>> locate_if_there(CatalogueView view, const Snapshot& snapshot,
                                                     std::string_view path) {
  std::optional<core::Error> absent;
  CAIRN_TRY(Located located, locate_unless_absent(view, snapshot, path, absent));
  return absent ? std::optional<Located>() : std::optional(std::move(located));
}

}  // namespace cairn::repo::ops
