#pragma once

#include <functional>
#include <string>
#include <vector>

#include "repo/protocol/moves.h"
#include "repo/protocol/search.h"

namespace cairn::protocol {

/// A mistake that somebody could make in building the protocol.
struct Mutation {
  std::string name;
  World world;  ///< The smallest kind in which it shows.
  std::function<void(Protocol&)> make;
  Broken breaks = Broken::chunk_lost;
};

std::vector<Mutation> mutations();

}  // namespace cairn::protocol
