#pragma once

#include "ops/repository/catalogue_view.h"
#include "ops/repository/usable_packs.h"

namespace cairn::repo::ops {

/// Passed by value to everything that stores: the catalogue, and what new snapshots may rely on. A
/// WritingSession makes it; it must not outlive the session.
struct WriteView : CatalogueView {
  UsablePacks& usable_packs;
};

}  // namespace cairn::repo::ops
