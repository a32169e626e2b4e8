#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/ids.h"
#include "format/index.h"
#include "store/packs/pack_summary.h"

namespace cairn::repo::store {

/// Where a chunk is stored.
struct ChunkLocation {
  PackNumber pack{};
  std::uint32_t block = 0;         ///< index into the pack's directory
  std::uint32_t offset_bytes = 0;  ///< in the block's plaintext
  std::uint32_t length_bytes = 0;

  friend bool operator==(const ChunkLocation&, const ChunkLocation&) = default;
};

/// Which packs a lookup may return. Empty: every living one.
using PackFilter = std::function<bool(PackNumber)>;

struct CatalogueOptions {
  std::string folder;  ///< made if missing (one level)
  RepositoryId repository;
  std::uint64_t map_bytes = std::uint64_t{1} << 40;  ///< address space, not memory or disk
  /// Only reads, and keeps others from writing meanwhile: for a folder that cannot be written.
  /// Nothing is made; every change fails with permission_denied.
  bool read_only = false;
};

struct CatalogueStatistics {
  std::uint64_t segments = 0;
  std::uint64_t packs = 0;
  std::uint64_t chunks = 0;  ///< entries of all levels; a chunk stored twice counts twice
  std::uint64_t levels = 0;  ///< sorted runs that a lookup may have to search
  std::uint64_t disk_bytes = 0;
};

/// A record of the stat cache to be set or, without a value, removed.
struct StatChange {
  core::Bytes key;
  std::optional<core::Bytes> value;
};
inline constexpr std::size_t kStatKeyBytesMax = 64;

/// The client's index of a repository: chunk id -> location, pack table, what the last backup saw
/// of each folder, and small notes, in LMDB.
///
/// A cache: everything in it can be made again from the repository's index segments. open()
/// discards a damaged, foreign or outdated one and starts empty, without an error. Losing it costs
/// time, never data.
///
/// The chunk index is a small log-structured merge tree inside LMDB. Each ingested segment becomes
/// a run, appended in sorted order (random insertion would write 50-200 times the bytes). Runs of
/// similar size are merged into larger ones, and each run has a filter so that looking for an
/// unknown chunk seldom touches it.
///
/// Thread-safe: find() and the other const calls from any number of threads; one writer at a time
/// (calls wait for each other). Several processes may share one catalogue. One Catalogue per folder
/// and process. Memory: the map belongs to the page cache; own memory is bounded by the segment
/// being ingested.
///
/// Errors: io, no_space; corrupt means the catalogue must be discarded (discard()) and made again.
class Catalogue {
 public:
  [[nodiscard]] static core::Result<std::unique_ptr<Catalogue>> open(
      const CatalogueOptions& options);
  /// Removes the files of the catalogue in this folder, if any.
  static core::Status discard(const std::string& folder);

  virtual ~Catalogue() = default;

  /// True if open() found nothing usable and started empty.
  [[nodiscard]] virtual bool started_empty() const = 0;
  /// Why open() threw away what was there; empty if nothing was, or if it is of another version.
  [[nodiscard]] virtual std::string discarded_because() const { return {}; }
  /// True once a call has found the catalogue itself damaged. Until then `corrupt` is about
  /// something else, and discarding the catalogue would only lose the stat cache.
  [[nodiscard]] virtual bool saw_damage() const noexcept { return false; }

  /// As it was opened.
  [[nodiscard]] virtual bool is_read_only() const { return false; }

  // --- segments ---
  [[nodiscard]] virtual core::Result<std::vector<IndexSegmentId>> segments() const = 0;
  /// Adds a segment's packs and chunks in one transaction; does nothing if it is known already.
  /// Packs listed by several segments are kept once.
  virtual core::Status ingest(const IndexSegmentId& id, const format::IndexSegment& segment) = 0;
  /// Drops segments that are not in `listed`. Packs that no remaining segment lists are dead: a
  /// chunk that is only in them is not found from now on.
  virtual core::Status retain(std::span<const IndexSegmentId> listed) = 0;

  // --- chunks and packs ---
  /// A location in a living pack that `usable` lets through, or nullopt.
  [[nodiscard]] virtual core::Result<std::optional<ChunkLocation>> find(
      const ChunkId& id, const PackFilter& usable) const = 0;
  /// The same with every living pack.
  [[nodiscard]] core::Result<std::optional<ChunkLocation>> find(const ChunkId& id) const {
    return find(id, {});
  }
  /// One result per id, in one read transaction.
  [[nodiscard]] virtual core::Result<std::vector<std::optional<ChunkLocation>>> find_all(
      std::span<const ChunkId> ids, const PackFilter& usable) const = 0;
  [[nodiscard]] core::Result<std::vector<std::optional<ChunkLocation>>> find_all(
      std::span<const ChunkId> ids) const {
    return find_all(ids, {});
  }
  [[nodiscard]] virtual core::Result<PackSummary> pack(PackNumber number) const = 0;
  [[nodiscard]] virtual core::Result<std::optional<PackNumber>> find_pack(
      const PackId& id) const = 0;
  /// The number that the next new pack will get: every pack known now has a lower one.
  [[nodiscard]] virtual core::Result<PackNumber> next_pack() const = 0;
  /// Living packs in ascending number order; stops at the first error of `visit`.
  virtual core::Status for_each_pack(
      const std::function<core::Status(PackNumber, const PackId&, std::uint64_t size_bytes,
                                       format::BlockKind)>& visit) const = 0;

  /// How many chunks each pack holds, dead ones perhaps included. Reads the whole index: 50 bytes a
  /// chunk. Memory: 40 bytes a pack.
  [[nodiscard]] virtual core::Result<std::unordered_map<PackNumber, std::uint64_t>> chunks_by_pack()
      const = 0;

  // --- the stat cache: records by key, opaque here (see ops/incremental/stat_cache.h) ---
  [[nodiscard]] virtual core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView key) const = 0;
  /// All in one transaction. Readers and other writers wait for it, so a few MiB at a time.
  virtual core::Status change_stat_records(std::span<const StatChange> changes) = 0;
  /// Packs that have died since this catalogue was made. As long as it does not change, nothing
  /// that was stored has gone.
  [[nodiscard]] virtual core::Result<std::uint64_t> dead_packs() const = 0;

  // --- notes: small values by name, for the client's own memory (its chain, snapshot links) ---
  virtual core::Status put_note(std::string_view name, core::ByteView value) = 0;
  virtual core::Status remove_note(std::string_view name) = 0;
  [[nodiscard]] virtual core::Result<std::optional<core::Bytes>> note(
      std::string_view name) const = 0;
  /// All notes whose name starts with `prefix`, sorted by name.
  [[nodiscard]] virtual core::Result<std::vector<std::pair<std::string, core::Bytes>>> notes(
      std::string_view prefix) const = 0;

  [[nodiscard]] virtual core::Result<CatalogueStatistics> statistics() const = 0;
};

inline constexpr std::size_t kNoteNameBytesMax = 256;

}  // namespace cairn::repo::store
