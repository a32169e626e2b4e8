#include "store/catalogue/chunk_runs.h"

#include <algorithm>
#include <cstring>
#include <gsl/assert>
#include <limits>

namespace cairn::repo::store {
namespace {

using core::ErrorCode;

/// Offset of the prefix in a leaf's key.
constexpr std::size_t kLeafKeyPrefixAt = 4;
/// More runs than a working merge policy ever leaves.
constexpr std::size_t kRunsAtOnce = 24;

void put_u32(std::byte* out, std::uint32_t value) noexcept {
  for (unsigned i = 0; i < sizeof(value); ++i) {
    out[i] = static_cast<std::byte>(value >> (8 * i));
  }
}

std::uint32_t take_u32(const std::byte* in) noexcept {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < sizeof(value); ++i) {
    value |= std::to_integer<std::uint32_t>(in[i]) << (8 * i);
  }
  return value;
}

/// An id that is looked up.
struct Wanted {
  explicit Wanted(const ChunkId& id) : bytes(id.view().data()), prefix(id_prefix(bytes)) {}

  /// Whether `entry` comes before it; eight bytes nearly always decide.
  [[nodiscard]] bool follows(const std::byte* entry) const noexcept {
    const std::uint64_t other = id_prefix(entry);
    return other != prefix ? other < prefix : std::memcmp(entry, bytes, kEntryIdBytes) < 0;
  }
  [[nodiscard]] bool equals(const std::byte* entry) const noexcept {
    return std::memcmp(entry, bytes, kEntryIdBytes) == 0;
  }

  const std::byte* bytes;
  std::uint64_t prefix;
};

/// Position of the first entry of a leaf that is not less than the id. Ids are uniform, so a guess
/// from the leaf's last id and the run's density is only a few entries off, and touches few cache
/// lines; any other distribution only costs more steps.
std::size_t lower_bound(core::ByteView leaf, std::size_t entries, std::uint64_t last_prefix,
                        const RunInfo& run, const Wanted& wanted) {
  const auto entry = [&](std::size_t i) { return leaf.data() + i * kEntryBytes; };
  const std::uint64_t gap = std::numeric_limits<std::uint64_t>::max() / run.entries;
  const std::uint64_t behind =
      last_prefix > wanted.prefix ? (last_prefix - wanted.prefix) / gap : 0;
  std::size_t at = behind < entries ? entries - 1 - static_cast<std::size_t>(behind) : 0;
  while (at > 0 && !wanted.follows(entry(at - 1))) {
    --at;
  }
  while (at < entries && wanted.follows(entry(at))) {
    ++at;
  }
  return at;
}

/// A line of a run's filter that is to be tested.
struct FilterLine {
  const RunInfo* run = nullptr;
  core::ByteView piece;  ///< empty: the run has no filter
  std::uint32_t line = 0;
};

/// `filter`: the run's pieces in our own memory, or nullptr.
core::Result<FilterLine> filter_line(const LmdbTxn& txn, const RunInfo& run, RunFilter* filter,
                                     const FilterQuestion& question) {
  FilterLine found{.run = &run, .piece = {}};
  if (run.filter_lines == 0) {
    return found;
  }
  found.line = question.line(run.filter_lines);
  const auto number = static_cast<std::uint32_t>(found.line / kFilterPieceLines);
  if (filter != nullptr) {
    CAIRN_TRY(found.piece, filter->piece(txn, run, number));
  } else {
    const std::uint64_t key = filter_key(run.number, number);
    CAIRN_TRY(const auto piece, txn.get(filter_table, integer_key(key)));
    if (!piece || piece->size() != kFilterPieceBytes) {
      return catalogue_damaged("a piece of a filter is missing");
    }
    found.piece = *piece;
  }
  question.prefetch(found.piece, found.line);
  return found;
}

core::Result<bool> is_alive(const LmdbTxn& txn, PackNumber pack) {
  const auto number = static_cast<std::uint32_t>(pack);
  CAIRN_TRY(const auto use, txn.get(pack_use_table, integer_key(number)));
  return use.has_value();
}

core::Result<std::optional<ChunkLocation>> find_in_run(const LmdbTxn& txn, LmdbCursor& leaves,
                                                       const RunInfo& run, const Wanted& wanted,
                                                       const RunsToAsk& ask) {
  CAIRN_TRY(auto item, leaves.seek_unread(leaf_key(run.number, wanted.prefix, 0)));
  while (item) {
    CAIRN_TRY(const std::uint32_t number, leaf_run(item->key));
    if (number != run.number) {
      break;
    }
    CAIRN_TRY(const std::size_t entries, leaf_entries(item->value));
    const std::uint64_t last_prefix = id_prefix(item->key.data() + kLeafKeyPrefixAt);
    CAIRN_TRY(const core::ByteView leaf, ask.last.read(txn, run.number, item->value));
    for (std::size_t i = lower_bound(leaf, entries, last_prefix, run, wanted); i < entries; ++i) {
      const std::byte* const entry = leaf.data() + i * kEntryBytes;
      if (!wanted.equals(entry)) {
        return std::nullopt;
      }
      CAIRN_TRY(const ChunkLocation location, decode_entry(entry));
      CAIRN_TRY(const bool alive, is_alive(txn, location.pack));
      if (alive && (!ask.usable || ask.usable(location.pack))) {
        return location;
      }
    }
    CAIRN_TRY(item, leaves.next_unread());
  }
  return std::nullopt;
}

std::size_t class_of(std::uint64_t entries, const MergePolicy& policy) {
  std::size_t number = 0;
  for (std::uint64_t limit = policy.small_entries; entries > limit; limit *= policy.fan_out) {
    ++number;
  }
  return number;
}

}  // namespace

void encode_entry(std::byte* out, const ChunkId& id, const ChunkLocation& location) noexcept {
  std::memcpy(out, id.view().data(), kEntryIdBytes);
  put_u32(out + kEntryIdBytes, static_cast<std::uint32_t>(location.pack));
  put_u32(out + kEntryIdBytes + 4, location.block);
  put_u32(out + kEntryIdBytes + 8, location.offset_bytes);
  put_u32(out + kEntryIdBytes + 12, location.length_bytes);
}

core::Result<ChunkLocation> decode_entry(const std::byte* entry) {
  const ChunkLocation location{.pack = entry_pack(entry),
                               .block = take_u32(entry + kEntryIdBytes + 4),
                               .offset_bytes = take_u32(entry + kEntryIdBytes + 8),
                               .length_bytes = take_u32(entry + kEntryIdBytes + 12)};
  if (location.block >= format::kPackBlocksMax ||
      std::uint64_t{location.offset_bytes} + location.length_bytes > format::kBlockPlainBytesMax) {
    return catalogue_damaged("a chunk lies at an impossible place");
  }
  return location;
}

PackNumber entry_pack(const std::byte* entry) noexcept {
  return static_cast<PackNumber>(take_u32(entry + kEntryIdBytes));
}

LeafKey leaf_key(std::uint32_t run, std::uint64_t prefix, std::uint32_t position) {
  LeafKey key{};
  const auto put = [&](std::size_t at, std::size_t bytes, std::uint64_t value) {
    for (std::size_t i = 0; i < bytes; ++i) {
      key[at + i] = static_cast<std::byte>(value >> (8 * (bytes - 1 - i)));
    }
  };
  put(0, 4, run);
  put(4, 8, prefix);
  put(12, 4, position);
  return key;
}

core::Result<std::uint32_t> leaf_run(core::ByteView key) {
  if (key.size() != kLeafKeyBytes) {
    return catalogue_damaged("a leaf's key has a wrong length");
  }
  std::uint32_t run = 0;
  for (std::size_t i = 0; i < sizeof(run); ++i) {
    run = run << 8 | std::to_integer<std::uint32_t>(key[i]);
  }
  return run;
}

core::Result<std::size_t> leaf_entries(core::ByteView leaf) {
  if (leaf.empty() || leaf.size() > kLeafBytes || leaf.size() % kEntryBytes != 0) {
    return catalogue_damaged("a leaf has a wrong length");
  }
  return leaf.size() / kEntryBytes;
}

core::Result<core::ByteView> LastLeaves::read(const LmdbTxn& txn, std::uint32_t run,
                                              core::ByteView leaf) {
  Leaf& last = leaves_[run % kLeaves];
  if (last.place != leaf.data() || last.bytes.size() != leaf.size()) {
    last.place = nullptr;
    CAIRN_TRY(last.bytes, txn.read(leaf, last.buffer));
    last.place = leaf.data();
  }
  return last.bytes;
}

core::Result<std::optional<ChunkLocation>> find_chunk(const LmdbTxn& txn, LmdbCursor& leaves,
                                                      const RunsToAsk& ask, const ChunkId& id) {
  Expects(ask.filters.size() == ask.runs.size());
  const FilterQuestion question(id);
  const Wanted wanted(id);
  // All lines are prefetched before the first is tested, so that memory accesses overlap.
  std::array<FilterLine, kRunsAtOnce> lines;
  for (std::size_t first = 0; first < ask.runs.size(); first += lines.size()) {
    const std::size_t count = std::min(ask.runs.size() - first, lines.size());
    for (std::size_t i = 0; i < count; ++i) {
      CAIRN_TRY(lines[i],
                filter_line(txn, ask.runs[first + i], ask.filters[first + i].get(), question));
    }
    for (const FilterLine& at : std::span(lines).first(count)) {
      if (!at.piece.empty() && !question.maybe_in(at.piece, at.line)) {
        continue;
      }
      CAIRN_TRY(const auto location, find_in_run(txn, leaves, *at.run, wanted, ask));
      if (location) {
        return location;
      }
    }
  }
  return std::nullopt;
}

std::vector<std::size_t> plan_merge(std::span<const RunInfo> runs, std::uint64_t fresh_entries,
                                    const MergePolicy& policy) {
  std::vector<std::size_t> open(runs.size());
  for (std::size_t i = 0; i < open.size(); ++i) {
    open[i] = i;
  }
  std::vector<std::size_t> chosen;
  std::uint64_t total = fresh_entries;
  for (bool grew = true; grew;) {
    grew = false;
    const std::size_t target = class_of(total, policy);
    const auto equals = [&](std::size_t i) { return class_of(runs[i].entries, policy) == target; };
    const auto same = static_cast<std::uint64_t>(std::count_if(open.begin(), open.end(), equals));
    const bool full = target == 0 ? same > 0 : same + 1 >= policy.fan_out;
    // Smaller runs are merged too: they are cheap, and each is one place less to search.
    const auto joins = [&](std::size_t i) {
      return class_of(runs[i].entries, policy) < target || (full && equals(i));
    };
    const auto stay = std::partition(open.begin(), open.end(), joins);
    for (auto at = open.begin(); at != stay; ++at) {
      total += runs[*at].entries;
      chosen.push_back(*at);
      grew = true;
    }
    open.erase(open.begin(), stay);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace cairn::repo::store
