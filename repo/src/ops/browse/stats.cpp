#include "cairn/repo/stats.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "ops/repository/catalogue_view.h"
#include "ops/tree/tree_counts.h"

namespace cairn::repo {

namespace {

using ops::CatalogueView;

core::Status add_stored_bytes(const ops::OpenRepository& repository, Statistics& statistics) {
  constexpr std::array kKinds = {
      format::ObjectKind::key_slot,  format::ObjectKind::pack,     format::ObjectKind::index,
      format::ObjectKind::session,   format::ObjectKind::snapshot, format::ObjectKind::forgotten,
      format::ObjectKind::condemned, format::ObjectKind::mark,     format::ObjectKind::settings};
  for (const format::ObjectKind kind : kKinds) {
    CAIRN_TRY_STATUS(repository.backend->list(kind, [&](const store::ListedObject& object) {
      statistics.stored_bytes += object.size_bytes;
      if (kind == format::ObjectKind::index) {
        statistics.index_bytes += object.size_bytes;
        statistics.index_segments += 1;
      }
    }));
  }
  CAIRN_TRY(const auto config, repository.backend->size(store::config_name()));
  statistics.stored_bytes += config.value_or(0);
  return {};
}

core::Status add_packs(CatalogueView view, Statistics& statistics) {
  CAIRN_TRY(auto chunks, view.catalogue().chunks_by_pack());
  return view.catalogue().for_each_pack([&](store::PackNumber number, const PackId& /*id*/,
                                            std::uint64_t size,
                                            format::BlockKind kind) -> core::Status {
    if (view.missing_packs().contains(number)) {
      return {};
    }
    CAIRN_TRY(const store::PackSummary pack, view.catalogue().pack(number));
    std::uint64_t plain_bytes = 0;
    for (const auto& block : pack.blocks) {
      plain_bytes += block.record.plain_bytes;
    }
    if (kind == format::BlockKind::data) {
      statistics.data_packs += 1;
      statistics.data_pack_bytes += size;
      statistics.unique_bytes += plain_bytes;
      statistics.unique_chunks += chunks[number];
    } else {
      statistics.metadata_packs += 1;
      statistics.metadata_pack_bytes += size;
      statistics.metadata_bytes += plain_bytes;
      statistics.metadata_chunks += chunks[number];
    }
    return {};
  });
}

core::Result<Statistics> count_forgotten(const ops::OpenRepository& repository,
                                         Statistics statistics) {
  CAIRN_TRY(const auto there,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::snapshot));
  CAIRN_TRY(const auto forgotten,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::forgotten));
  std::vector<SnapshotId> waiting;
  std::ranges::set_intersection(there, forgotten, std::back_inserter(waiting));
  statistics.awaiting_prune = waiting.size();
  return statistics;
}

}  // namespace

static core::Result<Statistics> statistics_of(CatalogueView view,
                                              const SelectedSnapshots& selected) {
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
    statistics.snapshots.push_back(std::move(one));
  }
  CAIRN_TRY_STATUS(add_stored_bytes(view, statistics));
  CAIRN_TRY_STATUS(add_packs(view, statistics));
  return count_forgotten(view, std::move(statistics));
}

core::Result<Statistics> statistics(Repository& repository, Observer& observer) {
  CAIRN_TRY(const SelectedSnapshots selected, select_snapshots(repository, {}, observer));
  return ops::with_catalogue(ops::opened(repository), observer,
                             [&](CatalogueView view) { return statistics_of(view, selected); });
}

}  // namespace cairn::repo
