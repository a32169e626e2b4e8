#include "ops/archive/tar_sparse.h"

#include <fmt/format.h>

#include "ops/archive/tar_header.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

core::Result<std::optional<std::vector<DataRun>>> data_runs(CatalogueView view,
                                                            const Content& content) {
  std::vector<DataRun> runs;
  bool has_holes = false;
  bool too_many = false;
  const auto look = [&](std::uint64_t offset, const ContentItem& item) -> core::Status {
    if (!item.chunk) {
      has_holes = true;
      return {};
    }
    if (!runs.empty() && runs.back().offset + runs.back().length_bytes == offset) {
      runs.back().length_bytes += item.length_bytes;
    } else if (runs.size() < kDataRunsMax) {
      runs.push_back({offset, item.length_bytes});
    } else {
      too_many = true;
    }
    return {};
  };
  CAIRN_TRY_STATUS(for_each_item(view, content, look));
  if (!has_holes || too_many) {
    return std::optional<std::vector<DataRun>>();
  }
  const std::uint64_t end = runs.empty() ? 0 : runs.back().offset + runs.back().length_bytes;
  if (end < content.size_bytes) {
    runs.push_back({content.size_bytes, 0});
  }
  return std::optional(std::move(runs));
}

std::string sparse_map(const std::vector<DataRun>& runs) {
  std::string map = fmt::format("{}\n", runs.size());
  for (const DataRun& run : runs) {
    map += fmt::format("{}\n{}\n", run.offset, run.length_bytes);
  }
  map.resize(map.size() + tar_padding(map.size()));
  return map;
}

}  // namespace cairn::repo::ops
