#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/node_references.h"

namespace cairn::repo::ops {

/// A set of chunks, by the first eight bytes of their ids. Ids are keyed hashes, so two of n chunks
/// share these with a probability of n^2 / 2^65: 3e-6 for ten million. A chunk that seems marked by
/// mistake is kept needlessly; a marked chunk is never missed.
///
/// Not thread-safe while adding. Memory: 8 bytes a chunk, twice that while adding.
class ChunkMarks {
 public:
  void add(const ChunkId& id);
  /// Sorts what was added; to be called before the first lookup, and again after adding more.
  void seal();

  /// A number below size(), different for each marked chunk; nullopt: it is not marked. Numbers
  /// change with seal(). Requires that nothing was added since.
  [[nodiscard]] std::optional<std::size_t> find(const ChunkId& id) const;
  [[nodiscard]] bool contains(const ChunkId& id) const { return find(id).has_value(); }
  [[nodiscard]] std::size_t size() const noexcept { return sorted_; }

 private:
  std::vector<std::uint64_t> prefixes_;  ///< the first sorted_ ascend, without repetition
  std::size_t sorted_ = 0;
};

/// Marks every chunk that snapshots reach: nodes, pieces of files, birth times. Subtrees that
/// snapshots share are walked once. No StoredTreeWalk: it needs ids of nodes, but neither paths nor
/// an order. Not thread-safe. Memory: that of ChunkMarks, and about 60 bytes for each node.
class Reachability {
 public:
  struct Options {
    std::stop_token stop = {};
    ProgressMeter* meter = nullptr;
    /// Not nullptr: receives unreadable nodes, and pieces that no pack has, which are then no
    /// error. What is below a lost node is not found.
    std::set<ChunkId>* lost = nullptr;
  };
  explicit Reachability(const Options& options) : options_(options) {}

  /// Errors: not_found or corrupt if a node cannot be read (the message names it), since what is
  /// below it is then unknown; not_permitted, interrupted, io.
  core::Status add(CatalogueView view, const Snapshot& snapshot);
  /// As ChunkMarks::seal().
  void seal() { marks_.seal(); }

  [[nodiscard]] const ChunkMarks& marks() const noexcept { return marks_; }

 private:
  core::Status take(CatalogueView view, const NodeReferences& references);
  core::Status visit(CatalogueView view, const ChunkId& node);

  Options options_;
  ChunkMarks marks_;
  std::unordered_set<ChunkId> seen_;
  std::vector<ChunkId> pending_;
};

}  // namespace cairn::repo::ops
