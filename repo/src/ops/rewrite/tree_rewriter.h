#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/path_filter.h"
#include "cairn/repo/snapshot.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/write_view.h"
#include "ops/tree/node_builder.h"
#include "ops/tree/reachability.h"
#include "ops/tree/stored_tree_walk.h"

namespace cairn::repo::ops {

/// The result for one source.
struct RewrittenSource {
  std::optional<Source> source;  ///< nullopt: nothing is left of it
  bool changed = false;
  std::uint64_t left_out = 0;  ///< objects, with everything below them
  std::uint64_t left_out_bytes = 0;
  std::vector<Problem> lost;  ///< the first kProblemsMax
  std::uint64_t lost_count = 0;
};

/// Rewrites the trees of snapshots without some of their objects, or without what is lost. Builders
/// make equal nodes of equal entries, so what stays the same keeps its id, and an unchanged tree
/// its root.
///
/// Lost are nodes that cannot be read, with the entries that they listed, and chunks that no pack
/// has: holes of the same lengths take their places. If the first name of a hard link goes, its
/// next name becomes the first; if the first name was in a lost node, the link is cut in two.
///
/// Not thread-safe. Memory: two leaves for each folder on the current path, and 200 bytes for each
/// remembered folder, 32 MiB at most.
class TreeRewriter {
 public:
  struct Options {
    const PathFilter* exclude = nullptr;  ///< by absolute paths; nullptr: nothing is left out
    bool mend = false;                    ///< false: lost data stays lost, or is an error
    ChunkMarks* kept = nullptr;           ///< receives what the new trees need, except their nodes
    std::stop_token stop = {};
  };
  /// Folders, by node and absolute path, that stay unchanged with everything below them. Valid for
  /// the snapshots of one run.
  using UnchangedFolders = std::map<std::pair<ChunkId, std::string>, TreeCounts>;
  /// Nodes go into `nodes`. All must outlive it.
  TreeRewriter(WriteView view, NodeSink& nodes, UnchangedFolders& unchanged, const Options& options,
               ProgressMeter& meter);

  /// Errors: not_found, corrupt (a node cannot be read, unless it repairs), busy (a prune is about
  /// to delete the pack of a chunk, after copying what is needed: it is elsewhere later),
  /// not_permitted, interrupted, no_space, io.
  [[nodiscard]] core::Result<RewrittenSource> rewrite(const Source& source);

 private:
  struct OpenFolder {
    Entry entry;
    std::unique_ptr<FolderBuilder> builder;
    TreeCounts counts;              ///< of everything below
    std::uint64_t objects_end = 0;  ///< number of the first object after it
    bool changed = false;
  };
  /// What becomes of the birth times of some consecutive objects.
  struct Times {
    enum class Fate : std::uint8_t { keep, drop, unknown };
    Fate fate = Fate::keep;
    std::uint64_t objects = 0;
  };
  void clear_source(const Source& source);
  [[nodiscard]] bool is_excluded_source(EntryType type) const;
  core::Status walk(Entry root);
  core::Status step();
  core::Status visit(Entry entry);
  core::Status enter(Entry entry, std::string path);
  core::Status leave();
  core::Status skip_unreadable(core::Error error);
  core::Status place(Entry entry, const TreeCounts& counts, bool changed);
  bool relink(Entry& entry, const std::string& path);
  [[nodiscard]] bool first_name_is_gone(const std::string& path) const;
  [[nodiscard]] bool is_excluded(const std::string& path, bool is_folder) const;
  void leave_out(const Entry& entry);
  /// Returns how many bytes are lost.
  core::Result<std::uint64_t> mend_content(Content& content);
  core::Result<bool> keep_or_hole(ContentItem& item);
  [[nodiscard]] core::Result<bool> is_lost_chunk(const ChunkId& chunk) const;
  void add_times(Times::Fate fate, std::uint64_t objects);
  [[nodiscard]] core::Result<bool> are_lost(const Content& times) const;
  [[nodiscard]] core::Result<Content> rewrite_times(const Content& times);
  void add_lost(const std::string& path, std::string reason);
  /// For a path below the source.
  [[nodiscard]] std::string absolute(const std::string& path) const;

  static constexpr std::size_t kFoldersMax = 128 * 1024;

  WriteView view_;
  NodeSink& nodes_;
  UnchangedFolders& unchanged_;
  const Options options_;
  ProgressMeter& meter_;
  // Of the current source.
  std::string source_path_;
  StoredTreeWalk<OpenFolder> walk_;  ///< paths below the source; empty: its root
  std::optional<Entry> root_;
  TreeCounts counts_;
  RewrittenSource result_;
  std::map<std::string, std::string> new_first_names_;
  std::set<std::string> holed_folders_;  ///< folders that have lost some entries
  std::vector<Times> times_;
  std::uint64_t objects_ = 0;                ///< objects of the old tree that times_ covers
  std::optional<std::size_t> unknown_from_;  ///< open folder from which on times are unknown
};

}  // namespace cairn::repo::ops
