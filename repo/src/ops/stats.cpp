#include "cairn/repo/stats.h"

#include <array>
#include <utility>

#include "ops/state.h"
#include "ops/tree_counts.h"

namespace cairn::repo {

namespace {

using ops::State;

core::Status add_stored_bytes(State& state, Statistics& statistics) {
  constexpr std::array kKinds = {
      format::ObjectKind::key_slot,  format::ObjectKind::pack,     format::ObjectKind::index,
      format::ObjectKind::session,   format::ObjectKind::snapshot, format::ObjectKind::forgotten,
      format::ObjectKind::condemned, format::ObjectKind::mark,     format::ObjectKind::settings};
  for (const format::ObjectKind kind : kKinds) {
    CAIRN_TRY_STATUS(state.backend->list(kind, [&](const store::ListedObject& object) {
      statistics.stored_bytes += object.size_bytes;
      if (kind == format::ObjectKind::index) {
        statistics.index_bytes += object.size_bytes;
        statistics.index_segments += 1;
      }
    }));
  }
  CAIRN_TRY(const auto config, state.backend->size(store::config_name()));
  statistics.stored_bytes += config.value_or(0);
  return {};
}

/// A chunk that lies in two packs counts twice here: it is stored twice.
core::Status add_packs(State& state, Statistics& statistics) {
  return state.catalogue->for_each_pack([&](store::PackNumber number, const PackId& /*id*/,
                                            std::uint64_t size,
                                            format::BlockKind kind) -> core::Status {
    if (state.missing_packs->contains(number)) {
      return {};
    }
    CAIRN_TRY(const store::PackSummary pack, state.catalogue->pack(number));
    std::uint64_t plain_bytes = 0;
    for (const auto& block : pack.blocks) {
      plain_bytes += block.record.plain_bytes;
    }
    if (kind == format::BlockKind::data) {
      statistics.data_packs += 1;
      statistics.data_pack_bytes += size;
      statistics.unique_bytes += plain_bytes;
    } else {
      statistics.metadata_packs += 1;
      statistics.metadata_pack_bytes += size;
      statistics.metadata_bytes += plain_bytes;
    }
    return {};
  });
}

}  // namespace

core::Result<Statistics> statistics(Repository& repository, Observer& observer) {
  State& state = repository.state();
  CAIRN_TRY(const SelectedSnapshots selected, select_snapshots(repository, {}, observer));
  CAIRN_TRY_STATUS(ops::ensure_catalogue(state, observer));
  Statistics statistics;
  statistics.unreadable_snapshots = selected.unreadable.size();
  for (const ListedSnapshot& listed : selected.snapshots) {
    SnapshotStatistics one;
    one.id = listed.id;
    one.start = listed.snapshot.start;
    one.utc_offset_minutes = listed.snapshot.utc_offset_minutes;
    one.added_data = listed.snapshot.added_data;
    one.added_metadata = listed.snapshot.added_metadata;
    one.counts = counts_of(listed.snapshot);
    statistics.total += one.counts;
    statistics.unique_chunks += one.added_data.chunks;
    statistics.metadata_chunks += one.added_metadata.chunks;
    statistics.snapshots.push_back(std::move(one));
  }
  CAIRN_TRY_STATUS(add_stored_bytes(state, statistics));
  CAIRN_TRY_STATUS(add_packs(state, statistics));
  return statistics;
}

}  // namespace cairn::repo
