#pragma once

#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/ids.h"
#include "ops/repository/open_repository.h"

namespace cairn::repo::ops {

/// What one collector intends to delete.
struct CondemnedPacks {
  CondemnedId id;
  std::vector<PackId> packs;  ///< sorted
};

/// All existing condemned records. They must be read before the catalogue is refreshed:
/// docs/design/0009-collection.md. A damaged one is an error (corrupt), since it is no longer known
/// which packs it names.
[[nodiscard]] core::Result<std::vector<CondemnedPacks>> read_condemned_packs(
    const OpenRepository& repository);

}  // namespace cairn::repo::ops
