#include "store/catalogue/run_filters.h"

#include <algorithm>
#include <array>

#include "store/catalogue/chunk_runs.h"
#include "store/catalogue/run_filter.h"

namespace cairn::repo::store {

/// Its header is aligned so that each line is one cache line.
struct alignas(kFilterLineBytes) RunFilter::Piece {
  static constexpr std::size_t kLead = kFilterLineBytes - kFilterPieceHeaderBytes;
  std::array<std::byte, kLead + kFilterPieceBytes> bytes;
};

std::int64_t RunFilter::room_for(std::uint32_t pieces) noexcept {
  return std::int64_t{pieces} * std::int64_t{sizeof(Piece)};
}

RunFilter::RunFilter(std::uint32_t pieces, std::atomic<std::int64_t>& room_bytes)
    : pieces_(pieces), room_bytes_(room_bytes) {
  room_bytes_ -= room_for(pieces);
}

RunFilter::~RunFilter() {
  for (const auto& piece : pieces_) {
    delete piece.load(std::memory_order_relaxed);
  }
  room_bytes_ += room_for(static_cast<std::uint32_t>(pieces_.size()));
}

core::Result<core::ByteView> RunFilter::piece(const LmdbTxn& txn, const RunInfo& run,
                                              std::uint32_t number) {
  auto& place = pieces_[number];
  const Piece* present = place.load(std::memory_order_acquire);
  if (present == nullptr) {
    auto made = std::make_unique<Piece>();
    const auto out = core::MutableByteView(made->bytes).subspan(Piece::kLead);
    CAIRN_TRY(const bool is_there,
              txn.read(filter_table, integer_key(filter_key(run.number, number)), out));
    if (!is_there) {
      return catalogue_damaged("a piece of a filter is missing");
    }
    // If another thread was quicker, `present` becomes its piece.
    if (place.compare_exchange_strong(present, made.get(), std::memory_order_acq_rel)) {
      present = made.release();
    }
  }
  return core::ByteView(present->bytes).subspan(Piece::kLead);
}

std::vector<std::shared_ptr<RunFilter>> RunFilters::of(std::span<const RunInfo> runs) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<RunFilter>> filters;
  filters.reserve(runs.size());
  for (const RunInfo& run : runs) {
    const std::uint32_t pieces = filter_pieces(run.filter_lines);
    auto& known = by_run_[run.number];
    auto filter = known.lock();
    if (!filter && pieces > 0 && room_bytes_ >= RunFilter::room_for(pieces)) {
      filter = std::make_shared<RunFilter>(pieces, room_bytes_);
      known = filter;
    }
    filters.push_back(std::move(filter));
  }
  std::erase_if(by_run_, [](const auto& run) { return run.second.expired(); });
  return filters;
}

}  // namespace cairn::repo::store
