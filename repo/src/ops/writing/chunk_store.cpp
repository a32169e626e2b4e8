#include "ops/writing/chunk_store.h"

namespace cairn::repo::ops {

ChunkStore::ChunkStore(WriteView view, const ChunkStoreOptions& options, ProgressMeter& meter)
    : view_(view),
      options_(options),
      claims_(view, {.only = options.only, .is_dry_run = options.dry_run}),
      index_(view, claims_, options.limit, meter),
      packer_(view, {.is_dry_run = options.dry_run, .times = options.times}, index_, buffers_,
              meter) {}

core::Result<bool> ChunkStore::claim(const ChunkId& id) {
  auto claimed = claims_.claim(id);
  if (!claimed) {
    packer_.end_with(claimed.error());
  }
  return claimed;
}

ChunkStore::Totals ChunkStore::totals() const {
  const auto [data, metadata] = packer_.totals();
  const IndexPublisher::Totals written = index_.totals();
  return {.data = data,
          .metadata = metadata,
          .data_packs = written.packs[0],
          .metadata_packs = written.packs[1],
          .pack_bytes = written.pack_bytes,
          .written_bytes = written.pack_bytes + written.segment_bytes};
}

}  // namespace cairn::repo::ops
