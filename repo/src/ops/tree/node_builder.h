#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "format/node.h"

/// Builds the trees of folders and of long content lists, front to back, in bounded memory.
///
/// Where a node ends depends on its contents (a hash of the name, or the chunk's id), not on a
/// count from the start: an insertion changes only the node it falls into and the path above it.
/// The idea is the prolly tree's (probabilistic B-tree; Noms, 2015). The rules are part of the
/// format, docs/FORMAT.md, "Where nodes end".
namespace cairn::repo::ops {

/// Takes finished nodes: computes the id, deduplicates, stores, and returns the id.
class NodeSink {
 public:
  virtual ~NodeSink() = default;
  [[nodiscard]] virtual core::Result<ChunkId> put_node(core::ByteView encoded) = 0;
};

/// The levels above the leaves, shared by both kinds of tree. Child has a member `node`.
///
/// A level that ends with a single child passes that child up as it is, so that no inner node has
/// less than two children; levels always fall from parent to child, but not always by one.
template <class Child>
class LevelStack {
 public:
  /// Encodes the children of one inner node.
  using Write = std::function<core::Result<Child>(std::uint8_t level, std::vector<Child> children)>;
  /// True if a node of this level ends after `last`.
  using Ends = std::function<bool(std::uint8_t level, const Child& last)>;

  LevelStack(Write write, Ends ends) : write_(std::move(write)), ends_(std::move(ends)) {}

  /// Adds a finished leaf.
  core::Status add(Child child) { return add_at(0, std::move(child)); }
  [[nodiscard]] bool empty() const noexcept { return levels_.empty(); }

  /// Closes all levels and returns the root. Requires at least one add().
  [[nodiscard]] core::Result<Child> finish() {
    for (std::size_t i = 0;; ++i) {
      std::vector<Child> run = std::move(levels_[i]);
      levels_[i].clear();
      if (run.empty()) {
        continue;  // this level ended exactly; its last node is in the level above
      }
      const bool is_top = i + 1 == levels_.size();
      if (run.size() == 1) {
        if (is_top) {
          return std::move(run.front());
        }
        levels_[i + 1].push_back(std::move(run.front()));
        continue;
      }
      CAIRN_TRY(Child parent, write_(static_cast<std::uint8_t>(i + 1), std::move(run)));
      if (is_top) {
        return parent;
      }
      levels_[i + 1].push_back(std::move(parent));
    }
  }

 private:
  core::Status add_at(std::size_t index, Child child) {
    if (levels_.size() <= index) {
      levels_.resize(index + 1);
    }
    auto& run = levels_[index];
    run.push_back(std::move(child));
    const auto level = static_cast<std::uint8_t>(index + 1);
    if (run.size() < 2 || !(run.size() >= kInnerChildrenMax || ends_(level, run.back()))) {
      return {};
    }
    if (level >= kTreeDepthMax) {
      return {};  // never in practice: 64^16 leaves; the node just grows to its limit
    }
    CAIRN_TRY(Child parent, write_(level, std::exchange(run, {})));
    return add_at(index + 1, std::move(parent));
  }

  static constexpr std::size_t kInnerChildrenMax = 1024;

  Write write_;
  Ends ends_;
  std::vector<std::vector<Child>> levels_;  ///< [n]: children of the unfinished node of level n+1
};

/// Builds one folder's tree from entries in ascending name order. Not thread-safe. Memory: one leaf
/// (at most 1024 entries or about 256 KiB) and the unfinished inner nodes.
class FolderBuilder {
 public:
  /// Called with every encoded leaf and the number of its entries.
  using OnLeaf = std::function<core::Status(core::ByteView encoded, std::size_t entries)>;

  /// `sink` and `split_key` (16 bytes) must outlive it.
  FolderBuilder(NodeSink& sink, core::ByteView split_key, OnLeaf on_leaf = nullptr);

  /// Requires a name greater than the last one's and an entry without defect.
  core::Status add(Entry entry);
  /// The entries since the last leaf.
  [[nodiscard]] const format::FolderLeaf& open_leaf() const noexcept { return leaf_; }
  /// Writes what is open and returns the folder's root and sums. To be called once.
  [[nodiscard]] core::Result<FolderContent> finish();

 private:
  core::Status write_leaf();

  NodeSink& sink_;
  core::ByteView split_key_;
  OnLeaf on_leaf_;
  format::FolderLeaf leaf_;
  std::size_t leaf_bytes_ = 0;
  FolderContent totals_;
  LevelStack<format::FolderChild> levels_;
};

/// Builds the content of one file from its runs in order. Not thread-safe. Memory: one leaf.
class ContentBuilder {
 public:
  explicit ContentBuilder(NodeSink& sink);

  core::Status add(ContentItem item);
  /// Short lists stay inline, longer ones become a tree. To be called once.
  [[nodiscard]] core::Result<Content> finish();

 private:
  core::Status write_leaf();

  NodeSink& sink_;
  std::vector<ContentItem> items_;
  std::uint64_t size_bytes_ = 0;
  LevelStack<format::ListChild> levels_;
};

}  // namespace cairn::repo::ops
