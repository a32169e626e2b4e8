#include "ops/collect/pack_usage.h"

#include <algorithm>
#include <utility>

#include "store/packs/pack_writer.h"

namespace cairn::repo::ops {

namespace {

/// Assigns each marked chunk to the first pack that holds it.
class Survey {
 public:
  explicit Survey(const ChunkMarks& marks) : marks_(marks), provided_(marks.size()) {}

  /// A pack that cannot be relied on provides nothing.
  static PackUsage unusable(const PackDirectories& directories, const format::IndexedPack& pack) {
    const std::uint64_t size_bytes = directories.present().at(pack.id);
    return {.id = pack.id,
            .kind = pack.directory.kind,
            .size_bytes = size_bytes,
            .unused_bytes = size_bytes};
  }

  PackUsage look_at(const format::IndexedPack& pack) {
    PackUsage usage{.id = pack.id, .kind = pack.directory.kind, .size_bytes = pack.size_bytes};
    for (const format::BlockRecord& block : pack.directory.blocks) {
      std::uint64_t used_plain = 0;
      std::uint64_t plain = 0;
      for (const format::ChunkRecord& chunk : block.chunks) {
        plain += chunk.length_bytes;
        if (is_first(chunk.id)) {
          used_plain += chunk.length_bytes;
          usage.used_chunks += 1;
        }
      }
      // At most 2^24 x 2^24.
      const std::uint64_t used =
          plain == 0 ? 0 : std::uint64_t{block.stored_bytes} * used_plain / plain;
      usage.used_bytes += used;
      usage.unused_bytes += block.stored_bytes - used;
      usage.dead_block_bytes += used_plain == 0 ? block.stored_bytes : 0;
    }
    return usage;
  }

  [[nodiscard]] std::uint64_t provided() const noexcept { return count_; }
  [[nodiscard]] ChunkMarks take_repeated() {
    repeated_.seal();
    return std::move(repeated_);
  }

 private:
  bool is_first(const ChunkId& id) {
    const auto number = marks_.find(id);
    if (!number) {
      return false;
    }
    if (provided_[*number]) {
      repeated_.add(id);
      return false;
    }
    provided_[*number] = true;
    count_ += 1;
    return true;
  }

  const ChunkMarks& marks_;
  std::vector<bool> provided_;
  std::uint64_t count_ = 0;
  ChunkMarks repeated_;
};

}  // namespace

core::Result<UsageSurvey> survey_usage(const PackDirectories& directories,
                                       const SurveyOptions& options, Observer& observer) {
  Survey survey(options.marks);
  UsageSurvey found;
  std::unordered_set<PackId> seen;
  const auto look = [&](bool at_condemned) {
    return directories.visit(
        [&](const PackDirectories::Visited& visited) -> core::Status {
          const PackId& id = visited.pack.id;
          if (options.condemned.contains(id) == at_condemned &&
              directories.present().contains(id) && seen.insert(id).second) {
            found.packs.push_back(directories.is_whole(visited.pack)
                                      ? survey.look_at(visited.pack)
                                      : Survey::unusable(directories, visited.pack));
            found.packs.back().condemned = at_condemned;
          }
          return {};
        },
        options.stop, observer);
  };
  CAIRN_TRY_STATUS(look(false));
  if (!options.condemned.empty()) {
    CAIRN_TRY_STATUS(look(true));
  }
  found.missing_chunks = options.marks.size() - survey.provided();
  found.repeated = survey.take_repeated();
  return found;
}

std::uint64_t small_pack_bytes(format::BlockKind kind) noexcept {
  return store::full_pack_bytes(kind) / 4;
}

namespace {

/// How many bytes rewriting the pack would free.
std::uint64_t reclaimable(const PackUsage& pack, const PruneLimits& limits) {
  const bool opens = pack.kind == format::BlockKind::metadata || limits.can_open_data;
  return opens ? pack.unused_bytes : pack.dead_block_bytes;
}

/// Candidates, the largest share of waste first.
std::vector<std::size_t> most_wasteful_first(const std::vector<PackUsage>& packs,
                                             const std::vector<PackFate>& fates,
                                             const PruneLimits& limits) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < packs.size(); ++i) {
    if (fates[i] == PackFate::keep && reclaimable(packs[i], limits) > 0) {
      order.push_back(i);
    }
  }
  const auto waste = [&](std::size_t i) {
    return static_cast<double>(reclaimable(packs[i], limits)) /
           static_cast<double>(std::max<std::uint64_t>(packs[i].size_bytes, 1));
  };
  std::ranges::stable_sort(order, std::ranges::greater(), waste);
  return order;
}

void choose_small(const std::vector<PackUsage>& packs, const PruneLimits& limits,
                  std::uint64_t& budget, std::vector<PackFate>& fates) {
  for (const format::BlockKind kind : {format::BlockKind::data, format::BlockKind::metadata}) {
    std::vector<std::size_t> small;
    for (std::size_t i = 0; i < packs.size(); ++i) {
      if (packs[i].kind == kind && fates[i] != PackFate::remove &&
          packs[i].size_bytes < small_pack_bytes(kind)) {
        small.push_back(i);
      }
    }
    if (small.size() < (limits.repack_small ? 2 : kSmallPacksMany)) {
      continue;
    }
    for (const std::size_t i : small) {
      if (fates[i] == PackFate::keep && packs[i].used_bytes <= budget) {
        budget -= packs[i].used_bytes;
        fates[i] = PackFate::repack;
      }
    }
  }
}

}  // namespace

std::vector<PackFate> plan_fates(const std::vector<PackUsage>& packs, const PruneLimits& limits) {
  std::vector<PackFate> fates(packs.size(), PackFate::keep);
  std::uint64_t used = 0;
  std::uint64_t waste = 0;
  for (std::size_t i = 0; i < packs.size(); ++i) {
    used += packs[i].used_bytes;
    if (packs[i].used_chunks == 0) {
      fates[i] = PackFate::remove;
    } else if (packs[i].condemned) {
      fates[i] = PackFate::repack;
    } else {
      waste += reclaimable(packs[i], limits);
    }
  }
  std::uint64_t budget = limits.max_repack_bytes;
  const auto allowed = static_cast<std::uint64_t>(limits.max_unused * static_cast<double>(used));
  for (const std::size_t i : most_wasteful_first(packs, fates, limits)) {
    if (waste <= allowed) {
      break;
    }
    if (packs[i].used_bytes <= budget) {
      budget -= packs[i].used_bytes;
      waste -= reclaimable(packs[i], limits);
      fates[i] = PackFate::repack;
    }
  }
  choose_small(packs, limits, budget, fates);
  return fates;
}

}  // namespace cairn::repo::ops
