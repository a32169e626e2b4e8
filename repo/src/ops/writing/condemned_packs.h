#pragma once

#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/ids.h"
#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// What one collector means to delete.
struct CondemnedPacks {
  CondemnedId id;
  std::vector<PackId> packs;  ///< sorted
};

/// All condemned records that stand now. They must be read before the catalogue is refreshed:
/// docs/design/0009-collection.md. A damaged one is an error (corrupt), since nobody knows any more
/// what it names.
[[nodiscard]] core::Result<std::vector<CondemnedPacks>> read_condemned_packs(
    const OpenRepository& repository);

}  // namespace cairn::repo::ops
