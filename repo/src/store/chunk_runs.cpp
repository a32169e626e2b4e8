#include "store/chunk_runs.h"

#include <algorithm>
#include <cstring>

namespace cairn::repo::store {
namespace {

using core::ErrorCode;

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

tl::unexpected<core::Error> damaged(const char* what) {
  return core::fail(ErrorCode::corrupt, std::string("catalogue: ") + what,
                    "the catalogue is only a cache: remove its folder, it will be made again");
}

/// Position of the first entry of a leaf that is not less than `id`. Ids are uniform, so a guess in
/// proportion is a few entries off; any other distribution only costs more steps.
std::size_t lower_bound(core::ByteView leaf, std::size_t entries, const ChunkId& id) {
  const std::byte* const wanted = id.view().data();
  const auto entry = [&](std::size_t i) { return leaf.data() + i * kEntryBytes; };
  const std::uint64_t prefix = id_prefix(wanted);
  const std::uint64_t first = id_prefix(entry(0));
  const std::uint64_t last = id_prefix(entry(entries - 1));
  std::size_t at = 0;
  if (prefix > first && last > first) {
    const std::uint64_t step = (last - first) / entries + 1;
    at = std::min<std::size_t>(entries - 1, (prefix - first) / step);
  }
  while (at > 0 && std::memcmp(entry(at - 1), wanted, kEntryIdBytes) >= 0) {
    --at;
  }
  while (at < entries && std::memcmp(entry(at), wanted, kEntryIdBytes) < 0) {
    ++at;
  }
  return at;
}

core::Result<bool> filter_excludes(const LmdbTxn& txn, const RunInfo& run,
                                   const FilterQuestion& question) {
  if (run.filter_lines == 0) {
    return false;
  }
  const std::uint32_t line = question.line(run.filter_lines);
  const std::uint64_t key =
      filter_key(run.number, static_cast<std::uint32_t>(line / kFilterPieceLines));
  CAIRN_TRY(const auto piece, txn.get(filter_table, integer_key(key)));
  if (!piece || piece->size() != kFilterPieceBytes) {
    return damaged("a piece of a filter is missing");
  }
  return !question.maybe_in(*piece, line);
}

core::Result<bool> is_alive(const LmdbTxn& txn, PackNumber pack) {
  const auto number = static_cast<std::uint32_t>(pack);
  CAIRN_TRY(const auto use, txn.get(pack_use_table, integer_key(number)));
  return use.has_value();
}

core::Result<std::optional<ChunkLocation>> find_in_run(const LmdbTxn& txn, LmdbCursor& leaves,
                                                       const RunInfo& run, const ChunkId& id) {
  const std::byte* const wanted = id.view().data();
  CAIRN_TRY(auto item, leaves.seek(leaf_key(run.number, id_prefix(wanted), 0)));
  while (item) {
    CAIRN_TRY(const std::uint32_t number, leaf_run(item->key));
    if (number != run.number) {
      break;
    }
    CAIRN_TRY(const std::size_t entries, leaf_entries(item->value));
    for (std::size_t i = lower_bound(item->value, entries, id); i < entries; ++i) {
      const std::byte* const entry = item->value.data() + i * kEntryBytes;
      if (std::memcmp(entry, wanted, kEntryIdBytes) != 0) {
        return std::nullopt;
      }
      CAIRN_TRY(const ChunkLocation location, decode_entry(entry));
      CAIRN_TRY(const bool alive, is_alive(txn, location.pack));
      if (alive) {
        return location;
      }
    }
    CAIRN_TRY(item, leaves.next());
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
    return damaged("a chunk lies at an impossible place");
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
    return damaged("a leaf's key has a wrong length");
  }
  std::uint32_t run = 0;
  for (std::size_t i = 0; i < sizeof(run); ++i) {
    run = run << 8 | std::to_integer<std::uint32_t>(key[i]);
  }
  return run;
}

core::Result<std::size_t> leaf_entries(core::ByteView leaf) {
  if (leaf.empty() || leaf.size() > kLeafBytes || leaf.size() % kEntryBytes != 0) {
    return damaged("a leaf has a wrong length");
  }
  return leaf.size() / kEntryBytes;
}

core::Result<std::optional<ChunkLocation>> find_chunk(const LmdbTxn& txn, LmdbCursor& leaves,
                                                      std::span<const RunInfo> runs,
                                                      const ChunkId& id) {
  const FilterQuestion question(id);
  for (const RunInfo& run : runs) {
    CAIRN_TRY(const bool excluded, filter_excludes(txn, run, question));
    if (excluded) {
      continue;
    }
    CAIRN_TRY(const auto location, find_in_run(txn, leaves, run, id));
    if (location) {
      return location;
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
    // Smaller runs come along: they are cheap, and each is one place less to look into.
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
