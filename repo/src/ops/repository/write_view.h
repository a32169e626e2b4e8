#pragma once

#include "ops/repository/catalogue_view.h"
#include "ops/repository/usable_packs.h"

namespace cairn::repo::ops {

/// What whoever stores is given, by value: the catalogue, and what new snapshots may rely on. A
/// WritingSession has one; must not outlive it.
struct WriteView : CatalogueView {
  UsablePacks& usable_packs;
};

}  // namespace cairn::repo::ops
