#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/entry.h"
#include "ops/repository/catalogue_view.h"
#include "ops/writing/chunk_store.h"

namespace cairn::repo::ops {

/// Which id a chunk of one repository has in another one. It follows from the chunk's bytes alone,
/// so it stays valid; whether the chunk is there is another question. Not thread-safe. Memory: 100
/// bytes each, 26 MiB; the least recently used are dropped first.
class TranslatedIds {
 public:
  void add(const ChunkId& from, const ChunkId& to);
  [[nodiscard]] std::optional<ChunkId> find(const ChunkId& from);

 private:
  static constexpr std::size_t kGenerationMax = 128 * 1024;

  std::unordered_map<ChunkId, ChunkId> young_;
  std::unordered_map<ChunkId, ChunkId> old_;
};

/// Copies chunks of file contents from one repository into another one: in windows, so that each
/// block of the source is opened once per window, by one of the workers. Not thread-safe. Memory:
/// 150 bytes for each chunk of the window, and per worker a block of the source, sealed, compressed
/// and expanded, and open blocks of the destination.
class ChunkCopier {
 public:
  struct Options {
    unsigned workers = 1;
    std::stop_token stop = {};
  };
  /// All must outlive it.
  ChunkCopier(CatalogueView from, const OpenRepository& to, const Options& options);
  ~ChunkCopier();

  /// From now on chunks go into this store.
  void begin(ChunkStore& store);

  /// Adds a chunk to the window. Precondition: the item has one.
  void want(const ContentItem& item);
  /// True once the window should be copied.
  [[nodiscard]] bool is_full() const noexcept;
  /// Passes all chunks of the window to the store, except those that the destination has; these are
  /// not read if their ids are known. Errors: not_found, corrupt (the source), those of the store,
  /// interrupted.
  core::Status copy_window();
  /// The destination's id for a chunk of the window, after copying.
  [[nodiscard]] ChunkId id_of(const ChunkId& from) const;
  /// Starts an empty window.
  void next_window();

  /// Writes the blocks that are not full.
  core::Status flush();

  [[nodiscard]] TranslatedIds& ids() noexcept { return ids_; }
  /// Bytes of decompressed chunks of the source.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  class Worker;
  struct Wanted {
    std::uint64_t length_bytes = 0;
    std::optional<ChunkId> id;  ///< in the destination
  };
  /// A chunk that has to be read.
  struct Job {
    ChunkId from;
    store::ChunkLocation location;
    std::optional<ChunkId> claimed;  ///< the store wants it under this id
    ChunkId id;                      ///< the result
  };
  [[nodiscard]] core::Result<std::vector<Job>> find_jobs();
  core::Status run(std::vector<Job>& jobs);
  core::Status check_stop() const;

  static constexpr std::size_t kWindowChunks = 16 * 1024;
  static constexpr std::uint64_t kWindowBytes = 64 * 1024 * 1024;

  CatalogueView from_;
  const OpenRepository& to_;
  const Options options_;
  ChunkStore* store_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;
  TranslatedIds ids_;
  std::unordered_map<ChunkId, Wanted> window_;
  std::uint64_t window_bytes_ = 0;
  std::atomic<std::uint64_t> bytes_read_{0};
};

}  // namespace cairn::repo::ops
