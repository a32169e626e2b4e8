#include <algorithm>

#include "repo/protocol/moves.h"

// The writer's table of docs/design/0009-collection.md, one function for each step.

namespace cairn::protocol {
namespace {

/// One writer's chance to do its next step.
struct WriterTurn {
  const World& world;
  const Protocol& protocol;
  const State& before;
  unsigned who;
  std::vector<Move>& moves;
  const char* does_first = "";

  [[nodiscard]] const Writer& now() const { return before.writers[who]; }
  [[nodiscard]] unsigned session() const { return session_of(world, who, now().attempt); }
  [[nodiscard]] bool is_over() const { return now().step == protocol.writer.size(); }

  /// The move ends here, unless the next step follows in the same moment.
  void then(State after, const char* step, const char* does, PackSet packs = {},
            Broken broken = Broken::nothing) const;
  /// The writer forgets all that it has seen.
  [[nodiscard]] State ended() const {
    State after = before;
    after.writers[who] = {};
    after.writers[who].attempt = now().attempt;
    after.writers[who].step = static_cast<std::uint8_t>(protocol.writer.size());
    return after;
  }
  /// The same state, one step on.
  [[nodiscard]] State step_done() const {
    State after = before;
    ++after.writers[who].step;
    return after;
  }
  [[nodiscard]] bool may_begin_again() const { return now().attempt + 1U < world.sessions_each; }
  [[nodiscard]] State begun_again() const {
    State after = before;
    after.writers[who] = {};
    after.writers[who].attempt = static_cast<std::uint8_t>(now().attempt + 1);
    return after;
  }
};

void do_step(const WriterTurn& turn, WriterStep step);

void w0_announce(const WriterTurn& turn) {
  auto after = turn.step_done();
  after.storage.sessions.add(turn.session());
  after.writers[turn.who].at_announcement = records_there(turn.before.storage);
  turn.then(after, "W0", "announces its session");
}

void w1_list_records(const WriterTurn& turn) {
  const auto records = records_there(turn.before.storage);
  auto after = turn.step_done();
  after.writers[turn.who].listed = records;
  turn.then(after, "W1",
            records.empty() ? "lists condemned records: none" : "lists condemned records");
}

/// One record at a time. A record that is gone again is none.
void w1_read_records(const WriterTurn& turn) {
  const auto run = *turn.now().listed.begin();
  auto after = turn.before;
  auto& writer = after.writers[turn.who];
  writer.listed.remove(run);
  writer.condemned = writer.condemned | turn.before.storage.records[run];
  turn.then(after, "W1", "reads a condemned record", turn.before.storage.records[run]);
}

/// The segments that are listed before say nothing about which packs are there, and a pack that
/// none of them lists is read from its own directory: so the list of packs alone decides.
void w2_list_packs(const WriterTurn& turn) {
  auto after = turn.step_done();
  auto& writer = after.writers[turn.who];
  const auto& storage = turn.before.storage;
  writer.usable = turn.protocol.w2_asks_which_packs_are_there
                      ? storage.packs
                      : listed_packs(storage, storage.segments);
  turn.then(after, "W2", "lists packs", writer.usable);
}

void w2_commit_catalogue(const WriterTurn& turn) {
  auto after = turn.step_done();
  commit_catalogue(turn.protocol, after, turn.now().usable);
  turn.then(after, "W2", "brings the catalogue to that", turn.now().usable);
}

/// What a snapshot reaches that stands now, after W1, may be relied on wherever it lies: every
/// collector whose record was there has marked it.
void w2_list_snapshots(const WriterTurn& turn) {
  auto after = turn.step_done();
  after.writers[turn.who].vouched = chunks_reached(turn.before.storage);
  turn.then(after, "W2", "lists snapshots that stand");
}

void put_pack(const WriterTurn& turn, PackSet relied_on, ChunkSet chunks) {
  auto after = turn.step_done();
  auto& writer = after.writers[turn.who];
  writer.usable = relied_on;
  writer.condemned = {};
  writer.vouched = {};
  if (chunks.empty()) {
    if (turn.protocol.writer[writer.step] == WriterStep::w3_put_segment) {
      ++writer.step;
    }
    turn.then(after, "W3", "has nothing to store, relies on", relied_on);
    return;
  }
  const auto pack = pack_of_session(turn.session());
  after.storage.packs.add(pack);
  after.storage.chunks[pack] = chunks;
  if (!turn.protocol.w4_forgets_its_packs_when_fenced) {
    writer.own = writer.own | chunks;
  }
  turn.then(after, "W3", "puts a pack, relies on", relied_on);
}

void w3_put_pack(const WriterTurn& turn) {
  const auto& writer = turn.now();
  const auto known_packs =
      turn.protocol.w2_is_frozen ? writer.usable : turn.before.storage.catalogue;
  const auto relied_on = known_packs - writer.condemned;
  const auto known = chunks_in(turn.before.storage, relied_on) | writer.vouched | writer.own;
  put_pack(turn, relied_on, kEveryChunk - known);
  if (turn.world.writers_may_copy && !known.empty()) {
    put_pack(turn, {}, kEveryChunk);
  }
}

void w3_put_segment(const WriterTurn& turn) {
  auto after = turn.step_done();
  after.storage.segments.add(segment_of_session(turn.session()));
  turn.then(after, "W3", "puts the segment that lists its pack");
}

/// A record that was there at W0 and is there now was there at W1.
Broken broken_by_commit(const WriterTurn& turn) {
  const auto there = turn.now().at_announcement & records_there(turn.before.storage);
  for (const auto run : there) {
    if (!(turn.now().usable & turn.before.storage.records[run]).empty()) {
      return Broken::relied_on_condemned;
    }
  }
  return Broken::nothing;
}

void w4_create_register(const WriterTurn& turn) {
  const auto session = turn.session();
  if (turn.before.storage.fences.has(session) && turn.protocol.w4_heeds_fences) {
    auto after = turn.may_begin_again() ? turn.begun_again() : turn.ended();
    after.writers[turn.who].own = turn.now().own;
    turn.then(after, "W4", "finds a fence");
    return;
  }
  auto after = turn.step_done();
  after.storage.snapshots.add(session);
  auto& writer = after.writers[turn.who];
  const auto relied_on = writer.usable;
  writer.usable = {};
  writer.own = {};
  writer.at_announcement = {};
  turn.then(after, "W4", "creates its register as a snapshot, relying on", relied_on,
            broken_by_commit(turn));
}

void w5_remove_session(const WriterTurn& turn) {
  auto after = turn.step_done();
  after.storage.sessions.remove(turn.session());
  turn.then(after, "W5", "removes its session");
}

/// An interrupted backup: no register, and no session any more.
void withdraw(const WriterTurn& turn) {
  if (turn.before.storage.sessions.has(turn.session()) &&
      !turn.before.storage.snapshots.has(turn.session())) {
    auto after = turn.ended();
    after.storage.sessions.remove(turn.session());
    turn.then(after, "--", "gives up and removes its session");
  }
}

void do_step(const WriterTurn& turn, WriterStep step) {
  switch (step) {
    case WriterStep::w0_announce:
      return w0_announce(turn);
    case WriterStep::w1_list_records:
      return w1_list_records(turn);
    case WriterStep::w1_read_records:
      return w1_read_records(turn);
    case WriterStep::w2_list_packs:
      return w2_list_packs(turn);
    case WriterStep::w2_commit_catalogue:
      return w2_commit_catalogue(turn);
    case WriterStep::w2_list_snapshots:
      return w2_list_snapshots(turn);
    case WriterStep::w3_put_pack:
      return w3_put_pack(turn);
    case WriterStep::w3_put_segment:
      return w3_put_segment(turn);
    case WriterStep::w4_create_register:
      return w4_create_register(turn);
    case WriterStep::w5_remove_session:
      return w5_remove_session(turn);
  }
}

void WriterTurn::then(State after, const char* step, const char* does, PackSet packs,
                      Broken broken) const {
  settle(world, protocol, after);
  const auto next = after.writers[who].step;
  const auto& at_once = protocol.writer_at_once;
  if (next < protocol.writer.size() &&
      std::find(at_once.begin(), at_once.end(), protocol.writer[next]) != at_once.end()) {
    do_step({world, protocol, after, who, moves, does}, protocol.writer[next]);
    return;
  }
  const Label label{'W', who, before.writers[who].attempt, step, does_first, does, packs};
  moves.push_back({after, label, broken == Broken::nothing ? broken_by(after.storage) : broken});
}

}  // namespace

void append_moves_of_writer(const World& world, const Protocol& protocol, const State& state,
                            unsigned writer, std::vector<Move>& moves) {
  const WriterTurn turn{world, protocol, state, writer, moves};
  if (!turn.is_over()) {
    do_step(turn, protocol.writer[turn.now().step]);
    withdraw(turn);
  }
  if (turn.now().step > 0 && turn.may_begin_again()) {
    turn.then(turn.begun_again(), "--",
              turn.is_over() ? "begins the next session" : "crashes and begins again");
  }
}

}  // namespace cairn::protocol
