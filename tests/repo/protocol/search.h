#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "repo/protocol/moves.h"

namespace cairn::protocol {

struct SearchOptions {
  /// Violations that end the search; others are passed over, as if nobody looked.
  std::vector<Broken> looked_for = {Broken::chunk_lost,          Broken::register_decided_twice,
                                    Broken::relied_on_condemned, Broken::deleted_while_listed,
                                    Broken::left_the_index,      Broken::not_clean};
  std::size_t states_max = 60'000'000;
};

struct SearchResult {
  std::size_t states = 0;
  std::size_t moves = 0;
  std::size_t storages = 0;   ///< Different contents of storage, each cleaned by a lone collector.
  std::size_t collected = 0;  ///< States in which some pack has been deleted.
  std::size_t committed = 0;  ///< States in which some writer has committed.
  bool complete = false;      ///< Every state that can be reached was looked at.
  Broken broken = Broken::nothing;
  std::string trace;  ///< Shortest way to the violation, one step a line.
};

/// Looks at every state that any order of steps leads to, nearest first, until one of the
/// violations is met. Memory: some 80 bytes a state.
SearchResult search(const World& world, const Protocol& protocol, const SearchOptions& options);

}  // namespace cairn::protocol
