#include "store/catalogue/catalogue_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

/// Inputs of at most this many leaves are removed in the transaction that publishes their
/// successor.
constexpr std::uint64_t kLeavesRemovedAtOnce = 256;
/// retain() commits after this many packs: in the worst case their records are on as many pages.
constexpr std::size_t kPacksPerTransaction = 4096;

/// The packs of a segment with their numbers.
struct PackPlan {
  struct Fresh {
    const format::IndexedPack* pack = nullptr;
    PackNumber number{};
    std::uint32_t chunks = 0;
  };
  std::vector<Fresh> fresh;       ///< unknown or dead: their chunks are to be added
  std::vector<PackNumber> known;  ///< alive already
};

core::Result<PackUse> read_use(const LmdbTxn& txn, PackNumber pack) {
  const auto number = static_cast<std::uint32_t>(pack);
  CAIRN_TRY(const auto value, txn.get(pack_use_table, integer_key(number)));
  if (!value) {
    return catalogue_damaged("a pack that is listed is not in the pack table");
  }
  return decode_pack_use(*value);
}

Status write_use(LmdbWriteTxn& txn, PackNumber pack, const PackUse& use) {
  const auto number = static_cast<std::uint32_t>(pack);
  return txn.put(pack_use_table, integer_key(number), encode_pack_use(use));
}

core::Result<PackPlan> plan_packs(CatalogueWriteTxn& txn, const format::IndexSegment& segment) {
  PackPlan plan;
  std::unordered_set<PackId> seen;
  for (const format::IndexedPack& pack : segment.packs) {
    if (!seen.insert(pack.id).second) {
      continue;
    }
    CAIRN_TRY_STATUS(check_indexed_pack(pack));
    CAIRN_TRY(const auto found, txn.lmdb().get(pack_id_table, pack.id.view()));
    if (found) {
      CAIRN_TRY(const PackNumber number, decode_pack_number(*found));
      plan.known.push_back(number);
      continue;
    }
    if (txn.ledger.next_pack >= kPackNumberMax) {
      return catalogue_damaged("there are no pack numbers left");
    }
    PackPlan::Fresh fresh{.pack = &pack, .number = static_cast<PackNumber>(txn.ledger.next_pack++)};
    for (const format::BlockRecord& block : pack.directory.blocks) {
      fresh.chunks += static_cast<std::uint32_t>(block.chunks.size());
    }
    plan.fresh.push_back(fresh);
  }
  return plan;
}

std::vector<FreshChunk> fresh_chunks(const PackPlan& plan) {
  std::size_t count = 0;
  for (const PackPlan::Fresh& fresh : plan.fresh) {
    count += fresh.chunks;
  }
  std::vector<FreshChunk> chunks;
  chunks.reserve(count);
  for (const PackPlan::Fresh& fresh : plan.fresh) {
    ChunkLocation location{.pack = fresh.number};
    for (const format::BlockRecord& block : fresh.pack->directory.blocks) {
      location.offset_bytes = 0;
      for (const format::ChunkRecord& chunk : block.chunks) {
        location.length_bytes = chunk.length_bytes;
        chunks.push_back(
            {.prefix = id_prefix(chunk.id.view().data()), .id = &chunk.id, .location = location});
        location.offset_bytes += chunk.length_bytes;
      }
      ++location.block;
    }
  }
  return chunks;
}

/// Writes the chunks of the fresh packs and the runs at `inputs` as one run, and changes the ledger
/// accordingly.
Status merge_runs(CatalogueWriteTxn& txn, const PackPlan& plan, std::vector<FreshChunk>& fresh,
                  const std::vector<std::size_t>& inputs) {
  Ledger& ledger = txn.ledger;
  std::vector<RunInfo> merged;
  MergeInput input{.entries_max = fresh.size()};
  LivingPacks living;
  if (ledger.dead_chunks > 0 && !inputs.empty()) {
    CAIRN_TRY(living, LivingPacks::read(txn.lmdb()));
    for (const PackPlan::Fresh& pack : plan.fresh) {
      living.add(pack.number);
    }
    input.living = &living;
  }
  for (const std::size_t i : inputs) {
    merged.push_back(ledger.runs[i]);
    input.entries_max += ledger.runs[i].entries;
  }

  MergeResult result;
  {
    // The inputs were committed before this transaction and are read in a snapshot of their own: it
    // lasts while the transaction commits portions.
    CAIRN_TRY(const LmdbReadTxn snapshot, LmdbReadTxn::begin(txn.env()));
    std::vector<std::unique_ptr<EntrySource>> sources;
    sources.push_back(std::make_unique<FreshChunks>(fresh));
    for (const RunInfo& run : merged) {
      CAIRN_TRY(std::unique_ptr<EntrySource> source, RunEntries::open(snapshot, run));
      sources.push_back(std::move(source));
    }
    input.sources = sources;
    CAIRN_TRY(result, write_run(txn, input));
  }

  std::uint64_t leaves = 0;
  for (const RunInfo& run : merged) {
    leaves += run.leaves;
    ledger.doomed.push_back(run.number);
    std::erase(ledger.runs, run);
  }
  if (result.run) {
    std::erase(ledger.doomed, result.run->number);
    ledger.runs.push_back(*result.run);
    std::sort(ledger.runs.begin(), ledger.runs.end(),
              [](const RunInfo& a, const RunInfo& b) { return a.entries > b.entries; });
  }
  ledger.dead_chunks -= std::min(ledger.dead_chunks, result.dropped);
  if (leaves <= kLeavesRemovedAtOnce) {
    CAIRN_TRY_STATUS(remove_doomed(txn, txn.tuning().removals_per_transaction));
  }
  return {};
}

Status add_chunks(CatalogueWriteTxn& txn, const PackPlan& plan) {
  std::vector<FreshChunk> chunks = fresh_chunks(plan);
  if (chunks.empty()) {
    return {};
  }
  const std::vector<std::size_t> inputs =
      plan_merge(txn.ledger.runs, chunks.size(), txn.tuning().merge);
  return merge_runs(txn, plan, chunks, inputs);
}

Status add_packs(CatalogueWriteTxn& txn, const PackPlan& plan) {
  LmdbWriteTxn& lmdb = txn.lmdb();
  for (const PackNumber pack : plan.known) {
    CAIRN_TRY(PackUse use, read_use(lmdb, pack));
    ++use.segments;
    CAIRN_TRY_STATUS(write_use(lmdb, pack, use));
  }
  for (const PackPlan::Fresh& fresh : plan.fresh) {
    const auto number = static_cast<std::uint32_t>(fresh.number);
    CAIRN_TRY_STATUS(
        lmdb.put(pack_id_table, fresh.pack->id.view(), encode_pack_number(fresh.number)));
    CAIRN_TRY_STATUS(
        lmdb.append(pack_table, integer_key(number), encode_pack_summary(*fresh.pack)));
    CAIRN_TRY_STATUS(write_use(lmdb, fresh.number, {.segments = 1, .chunks = fresh.chunks}));
  }
  return {};
}

/// One segment less lists this pack.
Status release_pack(CatalogueWriteTxn& txn, PackNumber pack) {
  LmdbWriteTxn& lmdb = txn.lmdb();
  const auto number = static_cast<std::uint32_t>(pack);
  CAIRN_TRY(PackUse use, read_use(lmdb, pack));
  if (use.segments > 1) {
    --use.segments;
    return write_use(lmdb, pack, use);
  }
  CAIRN_TRY(const auto value, lmdb.get(pack_table, integer_key(number)));
  if (!value) {
    return catalogue_damaged("a pack's summary is missing");
  }
  CAIRN_TRY(const PackBrief brief, decode_pack_brief(*value));
  CAIRN_TRY_STATUS(lmdb.remove(pack_id_table, brief.id.view()));
  CAIRN_TRY_STATUS(lmdb.remove(pack_table, integer_key(number)));
  CAIRN_TRY_STATUS(lmdb.remove(pack_use_table, integer_key(number)));
  txn.ledger.dead_packs += 1;
  txn.ledger.dead_chunks += use.chunks;
  return {};
}

core::Result<std::vector<IndexSegmentId>> unlisted_segments(
    const LmdbTxn& txn, std::span<const IndexSegmentId> listed) {
  const std::unordered_set<IndexSegmentId> keep(listed.begin(), listed.end());
  std::vector<IndexSegmentId> unlisted;
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(txn, segment_table));
  CAIRN_TRY(auto item, cursor.first());
  while (item) {
    if (item->key.size() != IndexSegmentId::kSize) {
      return catalogue_damaged("a segment's id has a wrong length");
    }
    const auto id = IndexSegmentId::from(item->key);
    if (!keep.contains(id)) {
      unlisted.push_back(id);
    }
    CAIRN_TRY(item, cursor.next());
  }
  return unlisted;
}

Status compact(CatalogueWriteTxn& txn) {
  std::vector<std::size_t> all(txn.ledger.runs.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = i;
  }
  std::vector<FreshChunk> none;
  return merge_runs(txn, PackPlan(), none, all);
}

}  // namespace

Status ingest_segment(CatalogueWriteTxn& txn, const IndexSegmentId& id,
                      const format::IndexSegment& segment) {
  if (segment.packs.size() > format::kIndexPacksMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("index segment {}: too many packs", id.short_hex()));
  }
  CAIRN_TRY(const auto known, txn.lmdb().get(segment_table, id.view()));
  if (known) {
    return {};
  }
  CAIRN_TRY_CONTEXT(const PackPlan plan, fmt::format("index segment {}", id.short_hex()),
                    plan_packs(txn, segment));
  // Chunks before packs: those committed early belong to a run that nobody reads yet.
  CAIRN_TRY_STATUS(add_chunks(txn, plan));
  CAIRN_TRY_STATUS(add_packs(txn, plan));
  std::vector<PackNumber> numbers = plan.known;
  for (const PackPlan::Fresh& fresh : plan.fresh) {
    numbers.push_back(fresh.number);
  }
  CAIRN_TRY_STATUS(
      txn.lmdb().put(segment_table, id.view(), encode_segment_packs(std::move(numbers))));
  return txn.finish();
}

Status retain_segments(CatalogueWriteTxn& txn, std::span<const IndexSegmentId> listed) {
  CAIRN_TRY(const std::vector<IndexSegmentId> unlisted, unlisted_segments(txn.lmdb(), listed));
  if (unlisted.empty()) {
    return {};
  }
  std::size_t released = 0;
  for (const IndexSegmentId& id : unlisted) {
    CAIRN_TRY(const auto value, txn.lmdb().get(segment_table, id.view()));
    if (!value) {
      return catalogue_damaged("a segment vanished");
    }
    CAIRN_TRY(const std::vector<PackNumber> packs, decode_segment_packs(*value));
    for (const PackNumber pack : packs) {
      CAIRN_TRY_STATUS(release_pack(txn, pack));
    }
    CAIRN_TRY_STATUS(txn.lmdb().remove(segment_table, id.view()));
    released += packs.size();
    if (released >= kPacksPerTransaction) {
      CAIRN_TRY_STATUS(txn.commit_portion());
      released = 0;
    }
  }
  if (txn.ledger.dead_chunks > txn.ledger.entries() / 2) {
    CAIRN_TRY_STATUS(compact(txn));
  }
  return txn.finish();
}

}  // namespace cairn::repo::store
