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

/// This client's catalogue of a repository, open or not, and the result of the last look at the
/// repository's listing. Only functions of catalogue_view.h use it: a verb has a CatalogueView.
struct LocalCatalogue {
  std::string folder;                           ///< empty: it has no place yet
  std::unique_ptr<TemporaryFolder> temporary;   ///< if it is in one
  bool is_for_writing = false;                  ///< a read-only one does not suffice
  std::unique_ptr<store::Catalogue> catalogue;  ///< nullptr: it is not open
  std::unique_ptr<store::ChunkReader> chunks;   ///< of an open one
  MissingPacks missing_packs;
  store::PackNumber first_unseen_pack{};
  std::uint64_t listed_bytes = 0;
};

/// Makes `catalogue` the open one. Tests use it to install their own.
void install_catalogue(const OpenRepository& repository,
                       std::unique_ptr<store::Catalogue> catalogue);

}  // namespace cairn::repo::ops
