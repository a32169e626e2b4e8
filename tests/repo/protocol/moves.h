#pragma once

#include <string>
#include <vector>

#include "repo/protocol/protocol.h"
#include "repo/protocol/state.h"

namespace cairn::protocol {

enum class Broken : std::uint8_t {
  nothing,
  chunk_lost,  ///< A snapshot reaches a chunk of which no pack that is there has a copy.
  register_decided_twice,
  relied_on_condemned,   ///< On a pack of a record that was there at W0 and still is at W4.
  deleted_while_listed,  ///< A collector deleted a pack that a segment it knows still lists.
  left_the_index,        ///< A pack that is there, and not condemned, is no longer listed.
  not_clean,             ///< A collector that ran alone left something behind, or did not end.
};

/// What happened between two states; made into text only for a trace.
struct Label {
  char actor = ' ';  ///< 'W', 'C' or 'U', the user who forgets.
  unsigned number = 0;
  unsigned attempt = 0;
  const char* step = "";
  const char* does_first = "";  ///< At the same moment.
  const char* does = "";
  PackSet packs;  ///< That it is about, if any.
};

struct Move {
  State after;
  Label label;
  Broken broken = Broken::nothing;
};

std::string describe(const World& world, const Label& label);

/// What storage alone says: a lost chunk, a register decided twice.
Broken broken_by(const Storage& storage);

/// Takes out of a state what can make no difference any more: what an actor would do without
/// looking at anything or changing anything takes no time; what it would find gone is gone now, for
/// nothing comes back; what it will never use again is forgotten. Two states that differ in nothing
/// else are one.
void settle(const World& world, const Protocol& protocol, State& state);

/// G1: what only doomed packs hold.
ChunkSet chunks_to_copy(const Protocol& protocol, const Storage& storage,
                        const Collector& collector);

/// One actor brings the catalogue that all share to what it saw, perhaps long ago. Packs that were
/// not in its list drop out for everybody; packs that come back get later numbers, so that nobody
/// else finds them in what it froze.
void commit_catalogue(const Protocol& protocol, State& state, PackSet listed);

/// Appends what a writer, a collector, anybody may do next. Nothing is appended for an actor at its
/// end.
void append_moves_of_writer(const World& world, const Protocol& protocol, const State& state,
                            unsigned writer, std::vector<Move>& moves);
void append_moves_of_collector(const World& world, const Protocol& protocol, const State& state,
                               unsigned collector, std::vector<Move>& moves);
void append_moves(const World& world, const Protocol& protocol, const State& state,
                  std::vector<Move>& moves);

/// Everybody stops for ever; then one collector runs alone, from G0 to its end.
Broken after_lone_collector(const World& world, const Protocol& protocol, const State& state,
                            std::vector<Move>* trace);

}  // namespace cairn::protocol
