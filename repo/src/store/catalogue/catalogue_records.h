#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "store/catalogue/catalogue.h"
#include "store/catalogue/lmdb_env.h"

/// What the catalogue's tables hold. Pure encode and decode; a record that is not what was written
/// is `corrupt`, and no number in it is used before it was checked.
namespace cairn::repo::store {

/// The error of a reader that found something other than what was written.
[[nodiscard]] tl::unexpected<core::Error> catalogue_damaged(std::string_view what);

/// Positions in catalogue_tables().
enum CatalogueTable : LmdbTableIndex {
  about_table,     ///< "identity", "ledger"
  segment_table,   ///< segment id -> numbers of its packs
  pack_id_table,   ///< id of a living pack -> number
  pack_table,      ///< number of a living pack -> summary
  pack_use_table,  ///< number of a living pack -> PackUse; what find() asks
  leaf_table,      ///< leaf_key() -> entries (chunk_runs.h)
  filter_table,    ///< run number and piece number -> piece (run_filter.h)
  note_table,      ///< name -> value
  stat_table,      ///< key -> record of the stat cache
};
[[nodiscard]] std::vector<LmdbTable> catalogue_tables();

/// A sorted run of chunk entries.
struct RunInfo {
  std::uint32_t number = 0;
  std::uint64_t entries = 0;
  std::uint32_t leaves = 0;
  std::uint32_t filter_lines = 0;

  friend bool operator==(const RunInfo&, const RunInfo&) = default;
};

/// The state of the chunk index, in one record, so that a merged run appears and its inputs
/// disappear at once.
struct Ledger {
  std::uint32_t next_run = 1;
  std::uint32_t next_pack = 1;
  std::uint64_t dead_packs = 0;   ///< ever
  std::uint64_t dead_chunks = 0;  ///< entries in runs whose pack is dead
  std::vector<RunInfo> runs;      ///< most entries first
  /// Runs that are being written or were merged away: whoever holds the write lock and is not
  /// writing them removes their leaves and filters.
  std::vector<std::uint32_t> doomed;

  [[nodiscard]] std::uint64_t entries() const noexcept;
  friend bool operator==(const Ledger&, const Ledger&) = default;
};
inline constexpr std::size_t kRunsMax = 4096;
/// Living packs are collected in a bitmap, so their numbers are bounded. 2^28 packs of 32 MiB are 8
/// EiB.
inline constexpr std::uint32_t kPackNumberMax = std::uint32_t{1} << 28;

[[nodiscard]] core::Bytes encode_ledger(const Ledger& ledger);
[[nodiscard]] core::Result<Ledger> decode_ledger(core::ByteView input);

/// Why a pack is alive.
struct PackUse {
  std::uint32_t segments = 0;  ///< how many list it
  std::uint32_t chunks = 0;    ///< entries it has in the runs

  friend bool operator==(const PackUse&, const PackUse&) = default;
};
[[nodiscard]] core::Bytes encode_pack_use(const PackUse& use);
[[nodiscard]] core::Result<PackUse> decode_pack_use(core::ByteView input);

/// Distinct numbers; encoded in ascending order.
[[nodiscard]] core::Bytes encode_segment_packs(std::vector<PackNumber> packs);
[[nodiscard]] core::Result<std::vector<PackNumber>> decode_segment_packs(core::ByteView input);

/// Refuses what decode_pack_summary() would refuse, and chunks that do not fill their block.
core::Status check_indexed_pack(const format::IndexedPack& pack);
/// Without the chunks. Requires check_indexed_pack().
[[nodiscard]] core::Bytes encode_pack_summary(const format::IndexedPack& pack);
[[nodiscard]] core::Result<PackSummary> decode_pack_summary(PackNumber number,
                                                            core::ByteView input);

/// The first fields of a summary.
struct PackBrief {
  PackId id;
  std::uint64_t size_bytes = 0;
  format::BlockKind kind = format::BlockKind::data;
};
[[nodiscard]] core::Result<PackBrief> decode_pack_brief(core::ByteView input);

[[nodiscard]] core::Bytes encode_pack_number(PackNumber number);
[[nodiscard]] core::Result<PackNumber> decode_pack_number(core::ByteView input);

/// Keys of tables with integer keys: integers in the machine's byte order.
[[nodiscard]] core::ByteView integer_key(const std::uint32_t& number) noexcept;
[[nodiscard]] core::ByteView integer_key(const std::uint64_t& number) noexcept;
[[nodiscard]] core::Result<PackNumber> pack_number_from_key(core::ByteView key);

}  // namespace cairn::repo::store
