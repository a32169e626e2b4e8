#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "store/catalogue/catalogue_records.h"
#include "store/catalogue/run_filter.h"
#include "store/catalogue/run_filters.h"

/// Sorted runs of chunk entries: layout, lookup, and which runs to merge when.
///
/// A run is a sequence of leaves, all full but the last. A leaf is one LMDB value of up to 85
/// entries, in ascending order of ids:
///
///     entry   id 32 | u32 pack | u32 block | u32 offset | u32 length        = 48 bytes
///     leaf    85 entries = 4080 bytes, which with LMDB's header fill one page exactly
///     key     run u32 | first 8 bytes of the leaf's last id | leaf's position u32, big-endian
///
/// So the entries of an id begin in the first leaf whose key is not less than (run, prefix of id,
/// 0). One page per value has two advantages: LMDB takes single pages from its free list without
/// searching for neighbours, and 85 entries per key keep its tree at 0.4 bytes a chunk. An id may
/// occur several times (in several packs); all its entries are kept.
namespace cairn::repo::store {

inline constexpr std::size_t kEntryIdBytes = ChunkId::kSize;
inline constexpr std::size_t kEntryBytes = kEntryIdBytes + 16;
inline constexpr std::size_t kLeafEntries = 85;
inline constexpr std::size_t kLeafBytes = kLeafEntries * kEntryBytes;
inline constexpr std::size_t kLeafKeyBytes = 16;

void encode_entry(std::byte* out, const ChunkId& id, const ChunkLocation& location) noexcept;
/// Checks the location's limits; corrupt if it breaks one.
[[nodiscard]] core::Result<ChunkLocation> decode_entry(const std::byte* entry);
/// Only the pack, unchecked.
[[nodiscard]] PackNumber entry_pack(const std::byte* entry) noexcept;

using LeafKey = std::array<std::byte, kLeafKeyBytes>;
[[nodiscard]] LeafKey leaf_key(std::uint32_t run, std::uint64_t prefix, std::uint32_t position);
/// Run number of a key in leaf_table; corrupt if it is not one.
[[nodiscard]] core::Result<std::uint32_t> leaf_run(core::ByteView key);
/// Entries in a leaf; corrupt if it is not one.
[[nodiscard]] core::Result<std::size_t> leaf_entries(core::ByteView leaf);

[[nodiscard]] constexpr std::uint64_t filter_key(std::uint32_t run, std::uint32_t piece) noexcept {
  return std::uint64_t{run} << 32 | piece;
}

/// The leaves read last, copied out of the map: ids looked up in order are mostly in the leaf of
/// the id before. Valid for one transaction.
class LastLeaves {
 public:
  /// The bytes of `leaf`, a value of `run` that a cursor found.
  [[nodiscard]] core::Result<core::ByteView> read(const LmdbTxn& txn, std::uint32_t run,
                                                  core::ByteView leaf);

 private:
  static constexpr std::size_t kLeaves = 4;
  struct Leaf {
    const std::byte* place = nullptr;  ///< in the map
    core::ByteView bytes;
    std::array<std::byte, kLeafBytes> buffer;
  };
  std::array<Leaf, kLeaves> leaves_;
};

/// Runs and their filters (RunFilters::of()).
struct RunsToAsk {
  std::span<const RunInfo> runs;
  std::span<const std::shared_ptr<RunFilter>> filters;
  const PackFilter& usable;
  LastLeaves& last;
};
/// The first location of `id` in the runs whose pack is alive and usable. `leaves` is a cursor of
/// `txn` on leaf_table.
[[nodiscard]] core::Result<std::optional<ChunkLocation>> find_chunk(const LmdbTxn& txn,
                                                                    LmdbCursor& leaves,
                                                                    const RunsToAsk& ask,
                                                                    const ChunkId& id);

struct MergePolicy {
  /// Runs of up to this many entries are merged with each other at every ingest.
  std::uint64_t small_entries = 512;
  /// Each class holds runs of up to `fan_out` times as many entries as the class before. When a
  /// class would come to hold that many runs, they become one run of a higher class.
  std::uint64_t fan_out = 4;
};

/// Positions of the runs to be merged with `fresh_entries` new ones into one run. Every entry that
/// is rewritten moves up by a class (except in the lowest), which bounds how often it is written,
/// log(n) times, and how many runs there are.
[[nodiscard]] std::vector<std::size_t> plan_merge(std::span<const RunInfo> runs,
                                                  std::uint64_t fresh_entries,
                                                  const MergePolicy& policy);

}  // namespace cairn::repo::store
