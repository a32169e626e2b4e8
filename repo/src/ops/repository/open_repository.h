#pragma once

#include <memory>
#include <string>

#include "cairn/repo/repository.h"
#include "format/config.h"
#include "store/backend/backend.h"
#include "store/objects/key_ring.h"
#include "store/packs/pack_reader.h"

namespace cairn::repo::ops {

struct LocalCatalogue;

/// What exists of an open repository from the beginning to the end. No pointer in it is ever
/// nullptr. The catalogue is used through a view (catalogue_view.h); as const, this cannot open or
/// close it.
struct OpenRepository {
  Environment environment;
  std::string location;
  std::unique_ptr<store::Backend> backend;
  format::Config config;
  KeySlotId slot;  ///< of the key in use
  std::unique_ptr<store::KeyRing> keys;
  std::unique_ptr<store::BlockReader> blocks;
  std::unique_ptr<LocalCatalogue> local;  ///< what is behind a view
};

/// The implementation behind the public class. Lives as long as that.
[[nodiscard]] OpenRepository& opened(Repository& repository) noexcept;

}  // namespace cairn::repo::ops
