#include "ops/progress/stage_times.h"

namespace cairn::repo::ops {

namespace {

const char* name_of(Stage stage) noexcept {
  switch (stage) {
    case Stage::walk:
      return "walk";
    case Stage::open:
      return "open";
    case Stage::read:
      return "read";
    case Stage::cut:
      return "cut";
    case Stage::hash:
      return "hash";
    case Stage::find:
      return "find";
    case Stage::group:
      return "group";
    case Stage::compress:
      return "compress";
    case Stage::seal:
      return "seal";
    case Stage::pack:
      return "pack";
  }
  return "";
}

}  // namespace

void StageTimes::add(Stage stage, std::uint64_t ns, std::uint64_t bytes) noexcept {
  Sum& sum = sums_[static_cast<std::size_t>(stage)];
  sum.ns.fetch_add(ns, std::memory_order_relaxed);
  sum.bytes.fetch_add(bytes, std::memory_order_relaxed);
}

std::vector<StageTime> StageTimes::all() const {
  std::vector<StageTime> times;
  times.reserve(kStages);
  for (std::size_t i = 0; i < kStages; ++i) {
    times.push_back({.name = name_of(static_cast<Stage>(i)),
                     .ns = sums_[i].ns.load(std::memory_order_relaxed),
                     .bytes = sums_[i].bytes.load(std::memory_order_relaxed)});
  }
  return times;
}

}  // namespace cairn::repo::ops
