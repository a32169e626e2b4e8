#pragma once

#include <fmt/format.h>

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/core/stop.h"
#include "cairn/repo/entry.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/folder_cursor.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

/// Walks a stored tree depth first, names ascending. The caller decides which folders are entered;
/// others cost nothing. `Level` is what the caller keeps for each folder on the current path.
///
/// Errors do not end the walk: after an unreadable node it continues behind that node, and a folder
/// that could not be entered is skipped.
///
/// Not thread-safe. Memory: for each folder on the current path a leaf, the inner nodes above it,
/// and its Level.
template <class Level = std::monostate>
class StoredTreeWalk {
 public:
  explicit StoredTreeWalk(CatalogueView view, std::stop_token stop = {})
      : view_(view), stop_(std::move(stop)) {}

  /// limit_exceeded if no folder can be entered from here.
  [[nodiscard]] core::Status check_depth() const {
    if (depth() >= kFolderDepthMax) {
      return core::fail(core::ErrorCode::limit_exceeded,
                        fmt::format("folders are nested more than {} deep", kFolderDepthMax));
    }
    return {};
  }
  /// Enters the folder in which the walk begins, or one that next() has returned; it becomes the
  /// innermost one. `path` is the basis of path() and path_of(), and may be relative. Errors:
  /// limit_exceeded.
  core::Status enter(const ChunkId& node, std::string path, Level level = {}) {
    CAIRN_TRY_STATUS(check_depth());
    folders_.push_back({FolderCursor(view_, node), node, std::move(path), std::move(level)});
    return {};
  }
  /// The next object in the innermost folder; nullopt at its end: leave() it. Requires a folder.
  /// Errors: as read_node, interrupted.
  [[nodiscard]] core::Result<std::optional<Entry>> next() {
    if (stop_.stop_requested()) {
      return core::interrupted();
    }
    return folders_.back().cursor.next();
  }
  /// The folder above becomes the innermost one. May be called before the end.
  void leave() { folders_.pop_back(); }
  /// Leaves all folders.
  void clear() { folders_.clear(); }

  [[nodiscard]] bool has_ended() const noexcept { return folders_.empty(); }
  /// How many folders have been entered and not left.
  [[nodiscard]] std::size_t depth() const noexcept { return folders_.size(); }

  // For the innermost folder.
  [[nodiscard]] const ChunkId& node() const { return folders_.back().node; }
  [[nodiscard]] const std::string& path() const { return folders_.back().path; }
  [[nodiscard]] std::string path_of(std::string_view name) const {
    return path().empty() ? std::string(name) : join_path(path(), name);
  }
  [[nodiscard]] Level& level() { return folders_.back().level; }
  // For the folder that was entered at this depth, from 0 on.
  [[nodiscard]] const std::string& path(std::size_t depth) const { return folders_[depth].path; }
  [[nodiscard]] Level& level(std::size_t depth) { return folders_[depth].level; }

 private:
  struct Folder {
    FolderCursor cursor;
    ChunkId node;
    std::string path;
    Level level;
  };

  CatalogueView view_;
  std::stop_token stop_;
  std::vector<Folder> folders_;
};

}  // namespace cairn::repo::ops
