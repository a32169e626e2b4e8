#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/copy/copy_chunks.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/content_cursor.h"
#include "ops/tree/folder_cursor.h"
#include "ops/tree/node_builder.h"
#include "ops/tree/stored_tree_walk.h"
#include "ops/writing/chunk_store.h"

namespace cairn::repo::ops {

/// One object in two repositories: in an earlier snapshot of the source, and in its copy.
struct EntryPair {
  Entry from;
  Entry to;
};

/// A folder of an earlier snapshot beside its copy, in name order. Not thread-safe. Memory: a leaf
/// of each, and the inner nodes above.
class FolderPair {
 public:
  FolderPair(CatalogueView from, const ChunkId& from_node, CatalogueView to,
             const ChunkId& to_node);

  /// The object with that name, if both have it. Names must ascend from call to call. Unreadable
  /// objects count as absent: a pair only saves work.
  [[nodiscard]] std::optional<EntryPair> find(std::string_view name);

 private:
  void advance();

  FolderCursor from_;
  FolderCursor to_;
  std::optional<EntryPair> next_;
};

/// Copies the trees of snapshots: reads what the source recorded, and builds the same with the
/// destination's keys, which decide where nodes end and what ids are. Chunks of files go through a
/// ChunkCopier in windows, so entries wait, in walk order, until their chunks' ids are known. Not
/// thread-safe. Memory: one leaf per folder on the current path, on each side; the entries of a
/// window (at most kEventsMax); 128 bytes for each remembered folder, 16 MiB.
class TreeCopier {
 public:
  /// All must outlive it.
  TreeCopier(CatalogueView from, CatalogueView to, ChunkCopier& chunks, ProgressMeter& meter,
             std::stop_token stop);

  /// From now on nodes go into this sink. `trusts_pairs`: what an earlier copy refers to exists and
  /// need not be looked up.
  void begin(NodeSink& nodes, bool trusts_pairs);
  /// What was copied before may be gone: folders are walked again even if they are known.
  void forget_folders() { folders_.clear(); }

  /// `earlier`: roots of the same path in an earlier snapshot and in its copy. Afterwards
  /// everything that the source refers to has been passed on, except partly filled blocks. Errors:
  /// not_found, corrupt (of the source), no_space, interrupted, io.
  [[nodiscard]] core::Result<Source> copy(const Source& source,
                                          const std::optional<EntryPair>& earlier);

 private:
  /// What the assembling half does next.
  struct Event {
    enum class Kind : std::uint8_t { object, open_folder, close_folder, runs, end_file };
    Kind kind = Kind::object;
    Entry entry;
    std::vector<ContentItem> runs;  ///< with the source's ids
    ChunkId folder;                 ///< its node in the source
  };
  /// A folder being read.
  struct OpenFolder {
    Entry entry;
    std::optional<FolderPair> earlier;
  };
  /// An earlier state of a file's content beside its copy, from which ids are learned on the way.
  class EarlierContent;

  core::Status walk(Entry root, const std::optional<EntryPair>& earlier);
  core::Status visit(Entry entry, const std::optional<EntryPair>& earlier);
  core::Status visit_folder(Entry entry, const std::optional<EntryPair>& earlier);
  core::Status visit_file(Entry entry, const std::optional<EntryPair>& earlier);
  [[nodiscard]] std::optional<FolderContent> known_folder(
      const Entry& entry, const std::optional<EntryPair>& earlier) const;
  core::Status add(Event event);
  core::Status finish_window();
  core::Status apply(Event event);
  core::Status place(Entry entry);
  [[nodiscard]] core::Result<Content> copy_birth_times(const Content& times);

  static constexpr std::size_t kEventsMax = 8 * 1024;
  static constexpr std::size_t kRunsOfEvent = 512;
  static constexpr std::size_t kFoldersMax = 128 * 1024;

  CatalogueView from_;
  CatalogueView to_;
  ChunkCopier& chunks_;
  ProgressMeter& meter_;
  NodeSink* nodes_ = nullptr;
  bool trusts_pairs_ = false;
  std::unordered_map<ChunkId, FolderContent> folders_;  ///< by their nodes in the source
  // The walking half.
  StoredTreeWalk<OpenFolder> walk_;
  std::vector<Event> events_;
  // The assembling half.
  std::vector<std::unique_ptr<FolderBuilder>> builders_;
  std::optional<ContentBuilder> content_;
  std::optional<Entry> root_;
};

}  // namespace cairn::repo::ops
