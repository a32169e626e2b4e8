#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/repository/catalogue_view.h"

/// Files with holes in tar archives: the format "GNU sparse 1.0", in which a map of the data's
/// positions comes before the data.
namespace cairn::repo::ops {

/// A run of data of a file.
struct DataRun {
  std::uint64_t offset = 0;
  std::uint64_t length_bytes = 0;

  friend bool operator==(const DataRun&, const DataRun&) = default;
};

/// With more runs than this, the map is not worth its size and memory.
inline constexpr std::size_t kDataRunsMax = 64 * 1024;

/// The runs of a file with holes, in order; the last one is empty if a hole ends the file. nullopt
/// if it has no holes, or too many. Errors: as read_content.
[[nodiscard]] core::Result<std::optional<std::vector<DataRun>>> data_runs(CatalogueView view,
                                                                          const Content& content);

/// The map, padded to whole blocks.
[[nodiscard]] std::string sparse_map(const std::vector<DataRun>& runs);

}  // namespace cairn::repo::ops
