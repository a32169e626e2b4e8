#include "repo/protocol/moves.h"

#include <fmt/format.h>
#include <gsl/assert>

namespace cairn::protocol {

std::string describe(const World& world, const Label& label) {
  if (label.actor == 'U') {
    return fmt::format("user  --  {}", label.does);
  }
  return fmt::format("{}{}.{}  {}  {}{}{}{}{}", label.actor, label.number + 1, label.attempt + 1,
                     label.step, label.does_first, *label.does_first == 0 ? "" : ", ", label.does,
                     label.packs.empty() ? "" : " ",
                     label.packs.empty() ? "" : names_of(world, label.packs));
}

Broken broken_by(const Storage& storage) {
  if (!chunks_in(storage, storage.packs).has_all(chunks_reached(storage))) {
    return Broken::chunk_lost;
  }
  if (!(storage.snapshots & storage.fences).empty()) {
    return Broken::register_decided_twice;
  }
  return Broken::nothing;
}

void commit_catalogue(const Protocol& protocol, State& state, PackSet listed) {
  state.storage.catalogue = listed;
  const auto w2 = protocol.place_of(WriterStep::w2_commit_catalogue);
  const auto w3 = protocol.place_of(WriterStep::w3_put_pack);
  for (auto& writer : state.writers) {
    if (writer.step > w2 && writer.step <= w3) {
      writer.usable = writer.usable & listed;
    }
  }
  const auto g5 = protocol.place_of(CollectorStep::g5_commit_catalogue);
  const auto g6 = protocol.place_of(CollectorStep::g5_decide);
  for (auto& collector : state.collectors) {
    if (collector.step > g5 && collector.step <= g6) {
      collector.dropped = collector.dropped | (collector.seen - listed);
    }
  }
}

namespace {

void append_forgetting(const State& state, std::vector<Move>& moves) {
  if (!state.storage.first_forgotten) {
    auto after = state;
    after.storage.first_forgotten = true;
    Label label;
    label.actor = 'U';
    label.does = "forgets the first snapshot";
    moves.push_back({after, label, broken_by(after.storage)});
  }
}

}  // namespace

/// Writers are all alike, and so are collectors: whoever begins first is called the first.
void append_moves(const World& world, const Protocol& protocol, const State& state,
                  std::vector<Move>& moves) {
  const auto has_begun = [](const auto& actor) { return actor.step > 0 || actor.attempt > 0; };
  for (unsigned writer = 0; writer < world.writers; ++writer) {
    if (writer == 0 || has_begun(state.writers[writer - 1])) {
      append_moves_of_writer(world, protocol, state, writer, moves);
    }
  }
  for (unsigned collector = 0; collector < world.collectors; ++collector) {
    if (collector == 0 || has_begun(state.collectors[collector - 1])) {
      append_moves_of_collector(world, protocol, state, collector, moves);
    }
  }
  append_forgetting(state, moves);
}

namespace {

/// Each chunk that is reached lies in one pack, nothing else lies anywhere, segments list what is
/// there.
bool is_clean(const Storage& storage) {
  ChunkSet held;
  for (const auto pack : storage.packs) {
    if (!(held & storage.chunks[pack]).empty()) {
      return false;
    }
    held = held | storage.chunks[pack];
  }
  const auto listed = listed_packs(storage, storage.segments);
  const auto open = storage.sessions - storage.snapshots - storage.fences;
  return held == chunks_reached(storage) && (listed - storage.packs).empty() &&
         records_there(storage).empty() && open.empty();
}

}  // namespace

Broken after_lone_collector(const World& world, const Protocol& protocol, const State& state,
                            std::vector<Move>* trace) {
  static constexpr int kStepsMax = 200;
  State now = state;
  now.collectors[kLoneCollector] = {};
  std::vector<Move> moves;
  for (int step = 0; step < kStepsMax; ++step) {
    moves.clear();
    append_moves_of_collector(world, protocol, now, kLoneCollector, moves);
    if (moves.empty()) {
      return is_clean(now.storage) ? Broken::nothing : Broken::not_clean;
    }
    now = moves.front().after;
    if (trace != nullptr) {
      trace->push_back(moves.front());
    }
    if (moves.front().broken != Broken::nothing) {
      return moves.front().broken;
    }
  }
  return Broken::not_clean;
}

}  // namespace cairn::protocol
