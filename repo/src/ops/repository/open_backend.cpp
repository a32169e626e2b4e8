#include "ops/repository/open_backend.h"

#include <utility>

#include "store/backend/backend_registry.h"

namespace cairn::repo {
namespace {

core::Result<store::BackendRegistry::Place> find_place(const store::BackendRegistry* backends,
                                                       const std::string& location) {
  return (backends == nullptr ? store::builtin_backends() : *backends).find(location);
}

}  // namespace

core::Result<ops::OpenBackend> ops::open_backend(const Environment& environment,
                                                 const std::string& location, Place place) {
  CAIRN_TRY(auto found, find_place(environment.backends, location));
  const store::BackendContext context{.file_system = environment.file_system,
                                      .location = std::move(found.location),
                                      .writer = {.process = environment.process,
                                                 .tag = environment.random.number(),
                                                 .is_gone = environment.process_is_gone}};
  if (place == Place::made_new) {
    CAIRN_TRY_STATUS(found.kind.create(context));
  }
  CAIRN_TRY(auto backend, found.kind.open(context));
  return OpenBackend{context.location, std::move(backend)};
}

core::Result<std::string> spelled_location(const std::string& location,
                                           const store::BackendRegistry* backends) {
  CAIRN_TRY(auto place, find_place(backends, location));
  return std::move(place.location);
}

core::Result<bool> is_there(const Environment& environment, const std::string& location) {
  CAIRN_TRY(auto place, find_place(environment.backends, location));
  return place.kind.is_there(
      {.file_system = environment.file_system, .location = std::move(place.location)});
}

}  // namespace cairn::repo
