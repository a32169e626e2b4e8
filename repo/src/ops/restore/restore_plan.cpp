#include "ops/restore/restore_plan.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace cairn::repo::ops {

namespace {

/// True if the next windows will probably need the block, too: it extends beyond the end of this
/// one, or holds what was stored once and is needed in many places.
bool is_worth_waiting(const BlockTask& task) noexcept {
  std::uint64_t wanted_bytes = 0;
  for (const Slice& slice : task.slices) {
    wanted_bytes += slice.length_bytes;
  }
  return wanted_bytes < task.pack->blocks[task.block].record.plain_bytes / 8 * 7;
}

}  // namespace

void RestorePlanner::restart(const store::Catalogue& catalogue) {
  packs_.clear();
  catalogue_ = &catalogue;
}

core::Result<std::shared_ptr<const store::PackSummary>> RestorePlanner::pack_summary(
    store::PackNumber number) {
  if (const auto found = packs_.find(number); found != packs_.end()) {
    return found->second;
  }
  CAIRN_TRY(store::PackSummary summary, catalogue_->pack(number));
  if (packs_.size() >= kPacksMax) {
    packs_.clear();
  }
  auto shared = std::make_shared<const store::PackSummary>(std::move(summary));
  packs_.emplace(number, shared);
  return shared;
}

std::vector<BlockTask> RestorePlanner::carry_over(std::vector<BlockTask> tasks) {
  std::size_t slices = 0;
  for (const BlockTask& task : tasks) {
    slices += is_worth_waiting(task) ? task.slices.size() : 0;
  }
  if (slices > kCarriedSlices) {
    return tasks;
  }
  std::vector<BlockTask> now;
  for (BlockTask& task : tasks) {
    if (is_worth_waiting(task)) {
      std::ranges::move(task.slices, std::back_inserter(carried_));
    } else {
      now.push_back(std::move(task));
    }
  }
  return now;
}

core::Result<std::vector<BlockTask>> RestorePlanner::plan(std::vector<Slice> slices, bool is_last) {
  std::ranges::move(std::exchange(carried_, {}), std::back_inserter(slices));
  std::vector<ChunkId> ids;
  ids.reserve(slices.size());
  for (const Slice& slice : slices) {
    ids.push_back(*slice.chunk);
  }
  CAIRN_TRY(const auto locations, catalogue_->find_all(ids, present_));

  struct Place {
    store::PackNumber pack{};
    std::uint32_t block = 0;
    std::uint32_t offset = 0;
    std::size_t slice = 0;
  };
  std::vector<Place> places;
  places.reserve(slices.size());
  std::vector<Slice> unknown;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const auto& location = locations[i];
    if (!location || location->length_bytes != slices[i].length_bytes) {
      unknown.push_back(std::move(slices[i]));
      continue;
    }
    slices[i].block_offset = location->offset_bytes;
    places.push_back({location->pack, location->block, location->offset_bytes, i});
  }
  std::ranges::sort(places, {}, [](const Place& place) {
    return std::make_tuple(place.pack, place.block, place.offset, place.slice);
  });
  std::vector<BlockTask> tasks;
  for (const Place& place : places) {
    if (tasks.empty() || tasks.back().pack->number != place.pack ||
        tasks.back().block != place.block || tasks.back().slices.size() >= BlockTask::kSlicesMax) {
      CAIRN_TRY(auto pack, pack_summary(place.pack));
      tasks.push_back({std::move(pack), place.block, {}});
    }
    tasks.back().slices.push_back(std::move(slices[place.slice]));
  }
  if (!is_last) {
    tasks = carry_over(std::move(tasks));
  }
  if (!unknown.empty()) {
    tasks.push_back({nullptr, 0, std::move(unknown)});
  }
  return tasks;
}

}  // namespace cairn::repo::ops
