#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ops/repository/catalogue_home.h"
#include "ops/repository/missing_packs.h"
#include "ops/repository/open_repository.h"
#include "store/catalogue/catalogue.h"
#include "store/chunks/chunk_reader.h"

namespace cairn::repo::ops {

/// This client's catalogue of a repository, open or not, and what the last look at the repository's
/// listing said. Only catalogue_view.h's functions look into it: a verb has a CatalogueView.
struct LocalCatalogue {
  std::string folder;                           ///< empty: it has no place yet
  std::unique_ptr<TemporaryFolder> temporary;   ///< if it lies in one
  bool is_for_writing = false;                  ///< one that can only be read is of no use
  std::unique_ptr<store::Catalogue> catalogue;  ///< nullptr: it is not open
  std::unique_ptr<store::ChunkReader> chunks;   ///< of an open one
  MissingPacks missing_packs;
  store::PackNumber first_unseen_pack{};
  std::uint64_t listed_bytes = 0;
};

/// Makes `catalogue` the one that is open. Tests put their own into its place.
void install_catalogue(const OpenRepository& repository,
                       std::unique_ptr<store::Catalogue> catalogue);

}  // namespace cairn::repo::ops
