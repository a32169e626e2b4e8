#include "store/catalogue/run_merge.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

tl::unexpected<core::Error> damaged(const char* what) {
  return core::fail(ErrorCode::corrupt, std::string("catalogue: ") + what,
                    "the catalogue is only a cache: remove its folder, it will be made again");
}

/// Fills leaves and the filter of one run.
class RunWriter {
 public:
  RunWriter(CatalogueWriteTxn& txn, std::uint32_t number, std::uint64_t entries_max)
      : txn_(txn),
        filter_(filter_lines(entries_max), [this](std::uint32_t piece, core::ByteView bytes) {
          const std::uint64_t key = filter_key(run_.number, piece);
          return put(filter_table, integer_key(key), bytes);
        }) {
    run_.number = number;
    run_.filter_lines = filter_lines(entries_max);
    leaf_.reserve(kLeafBytes);
  }
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  Status add(const std::byte* entry, std::uint64_t prefix) {
    CAIRN_TRY_STATUS(filter_.add(entry, prefix));
    leaf_.insert(leaf_.end(), entry, entry + kEntryBytes);
    last_prefix_ = prefix;
    ++run_.entries;
    return leaf_.size() < kLeafBytes ? Status() : flush();
  }

  core::Result<RunInfo> finish() {
    if (!leaf_.empty()) {
      CAIRN_TRY_STATUS(flush());
    }
    CAIRN_TRY_STATUS(filter_.finish());
    return run_;
  }

 private:
  Status flush() {
    if (run_.leaves == std::numeric_limits<std::uint32_t>::max()) {
      return core::fail(ErrorCode::limit_exceeded, "catalogue: too many chunks for one run");
    }
    CAIRN_TRY_STATUS(put(leaf_table, leaf_key(run_.number, last_prefix_, run_.leaves), leaf_));
    ++run_.leaves;
    leaf_.clear();
    return {};
  }

  Status put(LmdbTableIndex table, core::ByteView key, core::ByteView value) {
    CAIRN_TRY_STATUS(txn_.lmdb().append(table, key, value));
    return txn_.wrote_pages(1);
  }

  CatalogueWriteTxn& txn_;
  RunInfo run_;
  FilterBuilder filter_;
  core::Bytes leaf_;
  std::uint64_t last_prefix_ = 0;
};

/// Merges sources by repeatedly taking the smallest head. The heads' prefixes are contiguous, so
/// that scanning a dozen of them costs less than maintaining a heap.
class Merge {
 public:
  Status open(std::span<const std::unique_ptr<EntrySource>> sources) {
    for (const std::unique_ptr<EntrySource>& source : sources) {
      heads_.push_back({.source = source.get(), .at = nullptr, .end = nullptr});
      prefixes_.push_back(0);
      CAIRN_TRY_STATUS(refill(heads_.size() - 1));
    }
    return {};
  }

  [[nodiscard]] bool done() const noexcept { return heads_.empty(); }

  /// Passes the smallest entry to `take(entry, prefix)` and moves on.
  template <class Take>
  Status step(const Take& take) {
    const std::size_t i = smallest();
    Head& head = heads_[i];
    CAIRN_TRY_STATUS(take(head.at, prefixes_[i]));
    const std::byte* const last = head.at;
    head.at += kEntryBytes;
    if (head.at == head.end) {
      std::memcpy(last_id_.data(), last, last_id_.size());
      return refill_after(i);
    }
    return advance(i, last);
  }

 private:
  struct Head {
    EntrySource* source;
    const std::byte* at;
    const std::byte* end;
  };

  [[nodiscard]] std::size_t smallest() const noexcept {
    std::size_t best = 0;
    for (std::size_t i = 1; i < heads_.size(); ++i) {
      if (prefixes_[i] < prefixes_[best] ||
          (prefixes_[i] == prefixes_[best] &&
           std::memcmp(heads_[i].at, heads_[best].at, kEntryIdBytes) < 0)) {
        best = i;
      }
    }
    return best;
  }

  Status advance(std::size_t i, const std::byte* last) {
    if (std::memcmp(last, heads_[i].at, kEntryIdBytes) > 0) {
      return damaged("a run is not in order");
    }
    prefixes_[i] = id_prefix(heads_[i].at);
    return {};
  }

  Status refill_after(std::size_t i) {
    const std::size_t before = heads_.size();
    CAIRN_TRY_STATUS(refill(i));
    // A source that ran out was replaced in its place by another one.
    return heads_.size() == before ? advance(i, last_id_.data()) : Status();
  }

  Status refill(std::size_t i) {
    CAIRN_TRY(const core::ByteView entries, heads_[i].source->next());
    if (entries.empty()) {
      heads_[i] = heads_.back();
      prefixes_[i] = prefixes_.back();
      heads_.pop_back();
      prefixes_.pop_back();
      return {};
    }
    heads_[i].at = entries.data();
    heads_[i].end = entries.data() + entries.size();
    prefixes_[i] = id_prefix(entries.data());
    return {};
  }

  std::vector<std::uint64_t> prefixes_;
  std::vector<Head> heads_;
  std::array<std::byte, kEntryIdBytes> last_id_{};
};

}  // namespace

// --- sources ---

FreshChunks::FreshChunks(std::span<FreshChunk> chunks) : rest_(chunks), entries_(kLeafBytes) {
  std::sort(chunks.begin(), chunks.end(), [](const FreshChunk& a, const FreshChunk& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : *a.id < *b.id;
  });
}

core::Result<core::ByteView> FreshChunks::next() {
  const std::size_t count = std::min(rest_.size(), kLeafEntries);
  for (std::size_t i = 0; i < count; ++i) {
    encode_entry(entries_.data() + i * kEntryBytes, *rest_[i].id, rest_[i].location);
  }
  rest_ = rest_.subspan(count);
  return core::ByteView(entries_).first(count * kEntryBytes);
}

core::Result<std::unique_ptr<RunEntries>> RunEntries::open(const LmdbReadTxn& txn,
                                                           const RunInfo& run) {
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(txn, leaf_table));
  return std::unique_ptr<RunEntries>(new RunEntries(std::move(cursor), run));
}

core::Result<core::ByteView> RunEntries::next() {
  if (seen_ == run_.entries) {
    return core::ByteView();
  }
  CAIRN_TRY(const auto item,
            seen_ == 0 ? cursor_.seek(leaf_key(run_.number, 0, 0)) : cursor_.next());
  if (!item) {
    return damaged("a run is shorter than its record");
  }
  CAIRN_TRY(const std::uint32_t run, leaf_run(item->key));
  CAIRN_TRY(const std::size_t entries, leaf_entries(item->value));
  if (run != run_.number || entries > run_.entries - seen_) {
    return damaged("a run is not as long as its record says");
  }
  seen_ += entries;
  return item->value;
}

// --- living packs ---

core::Result<LivingPacks> LivingPacks::read(const LmdbTxn& txn) {
  LivingPacks living;
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(txn, pack_use_table));
  CAIRN_TRY(auto item, cursor.first());
  while (item) {
    CAIRN_TRY(const PackNumber pack, pack_number_from_key(item->key));
    if (static_cast<std::uint32_t>(pack) > kPackNumberMax) {
      return damaged("a pack's number is impossible");
    }
    living.add(pack);
    CAIRN_TRY(item, cursor.next());
  }
  return living;
}

void LivingPacks::add(PackNumber pack) {
  const auto number = static_cast<std::size_t>(pack);
  if (number >= bits_.size()) {
    bits_.resize(number + 1);
  }
  bits_[number] = true;
}

bool LivingPacks::has(PackNumber pack) const noexcept {
  const auto number = static_cast<std::size_t>(pack);
  return number < bits_.size() && bits_[number];
}

// --- merging ---

core::Result<MergeResult> write_run(CatalogueWriteTxn& txn, const MergeInput& input) {
  Ledger& ledger = txn.ledger;
  if (ledger.next_run == std::numeric_limits<std::uint32_t>::max() ||
      ledger.doomed.size() == kRunsMax) {
    return damaged("there are no run numbers left");
  }
  const std::uint32_t number = ledger.next_run++;
  ledger.doomed.push_back(number);

  Merge merge;
  CAIRN_TRY_STATUS(merge.open(input.sources));
  RunWriter writer(txn, number, input.entries_max);
  MergeResult result;
  while (!merge.done()) {
    CAIRN_TRY_STATUS(merge.step([&](const std::byte* entry, std::uint64_t prefix) {
      if (input.living != nullptr && !input.living->has(entry_pack(entry))) {
        ++result.dropped;
        return Status();
      }
      return writer.add(entry, prefix);
    }));
  }
  CAIRN_TRY(const RunInfo run, writer.finish());
  if (run.entries > 0) {
    result.run = run;
  }
  return result;
}

}  // namespace cairn::repo::store
