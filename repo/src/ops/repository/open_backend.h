#pragma once

#include <memory>
#include <string>

#include "cairn/core/result.h"
#include "cairn/repo/repository.h"
#include "store/backend/backend.h"

namespace cairn::repo::ops {

struct OpenBackend {
  std::string location;  ///< in its normal spelling
  std::unique_ptr<store::Backend> backend;
};
enum class Place : std::uint8_t { there, made_new };
/// Opens a location with the environment's kinds of storage. Errors: invalid_argument; for a new
/// place also already_exists, no_space, io.
[[nodiscard]] core::Result<OpenBackend> open_backend(const Environment& environment,
                                                     const std::string& location,
                                                     Place place = Place::there);

}  // namespace cairn::repo::ops
