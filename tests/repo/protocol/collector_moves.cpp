#include <algorithm>

#include "repo/protocol/moves.h"

// The collector's table of docs/design/0009-collection.md, one function for each step.

namespace cairn::protocol {
namespace {

/// One collector's chance to do its next step.
struct CollectorTurn {
  const World& world;
  const Protocol& protocol;
  const State& before;
  unsigned who;
  std::vector<Move>& moves;
  const char* does_first = "";

  [[nodiscard]] const Collector& now() const { return before.collectors[who]; }
  [[nodiscard]] const Storage& storage() const { return before.storage; }
  [[nodiscard]] unsigned run() const { return run_of(world, who, now().attempt); }
  [[nodiscard]] bool is_over() const { return now().step == protocol.collector.size(); }

  /// The move ends here, unless the next step follows in the same moment.
  void then(State after, const char* step, const char* does, PackSet packs = {},
            Broken broken = Broken::nothing) const;
  /// The same state, one step on.
  [[nodiscard]] State step_done() const {
    State after = before;
    ++after.collectors[who].step;
    return after;
  }
  /// It has forgotten everything, and is at the end of its program or, one attempt on, at its
  /// start.
  [[nodiscard]] State reset(unsigned step, unsigned attempt) const {
    State after = before;
    after.collectors[who] = {};
    after.collectors[who].step = static_cast<std::uint8_t>(step);
    after.collectors[who].attempt = static_cast<std::uint8_t>(attempt);
    return after;
  }
};

void do_step(const CollectorTurn& turn, CollectorStep step);

// --- G0 ---

void g0_read_records(const CollectorTurn& turn) {
  auto after = turn.step_done();
  auto& collector = after.collectors[turn.who];
  for (const auto& packs : turn.storage().records) {
    collector.condemned = collector.condemned | packs;
  }
  turn.then(after, "G0", "reads all condemned records", collector.condemned);
}

/// Segments tell nothing that G5 does not ask again.
void g0_list_packs(const CollectorTurn& turn) {
  auto after = turn.step_done();
  after.collectors[turn.who].seen = turn.storage().packs;
  turn.then(after, "G0", "lists packs", turn.storage().packs);
}

/// Keeps the first pack that holds a chunk, if all that it holds is marked and not held elsewhere.
PackSet tidy_plan(const Storage& storage, PackSet eligible, ChunkSet marked) {
  ChunkSet held;
  PackSet doomed;
  for (const auto pack : eligible) {
    const auto chunks = storage.chunks[pack];
    if (marked.has_all(chunks) && (chunks & held).empty()) {
      held = held | chunks;
    } else {
      doomed.add(pack);
    }
  }
  return doomed;
}

void g0_mark_and_plan(const CollectorTurn& turn) {
  auto after = turn.step_done();
  auto& collector = after.collectors[turn.who];
  collector.marked = chunks_reached(turn.storage());
  if (!turn.protocol.g0_empties_condemned_packs) {
    // As if they were nobody's business: neither doomed nor lost.
    collector.seen = collector.seen - collector.condemned;
  }
  const auto must_go = collector.seen & collector.condemned;
  const auto may_go = collector.seen - must_go;
  const auto plan = [&](PackSet chosen) {
    collector.doomed = must_go | chosen;
    turn.then(after, "G0", "marks what snapshots reach and dooms", collector.doomed);
  };
  const auto tidy = tidy_plan(turn.storage(), may_go, collector.marked);
  if (turn.who == kLoneCollector || turn.world.plans != Plans::any) {
    plan(tidy);
    if (turn.who != kLoneCollector && turn.world.plans == Plans::two && tidy != may_go) {
      plan(may_go);
    }
    return;
  }
  for (auto chosen = may_go.bits();; chosen = (chosen - 1) & may_go.bits()) {
    plan(PackSet::of_bits(chosen));
    if (chosen == 0) {
      return;
    }
  }
}

// --- G1 ---

/// If a pack to be copied from is gone, somebody else was faster: what it held lies elsewhere, and
/// the collector has to look again from the start.
void g1_put_copies(const CollectorTurn& turn) {
  const auto wanted = chunks_to_copy(turn.protocol, turn.storage(), turn.now());
  if (!chunks_in(turn.storage(), turn.storage().packs & turn.now().doomed).has_all(wanted)) {
    turn.then(turn.reset(0, turn.now().attempt), "G1", "misses a pack and begins again");
    return;
  }
  auto after = turn.step_done();
  const auto pack = copies_of_run(turn.run());
  after.storage.packs.add(pack);
  after.storage.chunks[pack] = wanted;
  turn.then(after, "G1", "puts copies", PackSet::of(pack));
}

void g1_put_segment(const CollectorTurn& turn) {
  auto after = turn.step_done();
  after.storage.segments.add(segment_of_copies(turn.run()));
  turn.then(after, "G1", "puts the segment that lists its copies");
}

void g1_put_record(const CollectorTurn& turn) {
  auto after = turn.step_done();
  after.storage.records[turn.run()] = turn.now().doomed;
  turn.then(after, "G1", "puts its condemned record", turn.now().doomed);
}

// --- G2 to G4 ---

void g2_list_sessions(const CollectorTurn& turn) {
  auto after = turn.step_done();
  const auto& storage = turn.storage();
  after.collectors[turn.who].awaited = storage.sessions - storage.snapshots - storage.fences;
  turn.then(after, "G2", "lists sessions without a register");
}

/// T is any time at all: a session may be fenced at once, however alive its writer is.
void g3_wait(const CollectorTurn& turn) {
  const auto& storage = turn.storage();
  const auto& awaited = turn.now().awaited;
  const auto open = (awaited & storage.sessions) - storage.snapshots - storage.fences;
  if (open.empty()) {
    auto after = turn.before;
    after.collectors[turn.who].awaited = {};
    turn.then(after, "G3", "sees nothing more to wait for");
    return;
  }
  for (const auto session : open) {
    auto after = turn.before;
    after.storage.fences.add(session);
    after.collectors[turn.who].awaited = open - SessionSet::of(session);
    turn.then(after, "G3", "fences a session");
  }
}

void g4_mark_again(const CollectorTurn& turn) {
  auto after = turn.step_done();
  auto& marked = after.collectors[turn.who].marked;
  marked = marked | chunks_reached(turn.storage());
  turn.then(after, "G4", "lists snapshots again and marks");
}

// --- G5 ---

void g5_list_records(const CollectorTurn& turn) {
  auto after = turn.step_done();
  auto records = records_there(turn.storage()) - RecordSet::of(turn.run());
  if (!turn.protocol.g5_heeds_records_of_others) {
    records = {};
  }
  auto& collector = after.collectors[turn.who];
  collector.listed = records;
  collector.condemned = {};
  turn.then(after, "G5", records.empty() ? "lists others' records: none" : "lists others' records");
}

/// One record at a time. A record that is gone again is none.
void g5_read_records(const CollectorTurn& turn) {
  auto after = turn.before;
  auto& collector = after.collectors[turn.who];
  const auto run = *collector.listed.begin();
  const auto packs = turn.storage().records[run];
  collector.listed.remove(run);
  collector.condemned = collector.condemned | packs;
  if (!packs.empty()) {
    collector.read.add(run);
  }
  turn.then(after, "G5", "reads a record of another", packs);
}

void g5_list_segments(const CollectorTurn& turn) {
  auto after = turn.step_done();
  after.collectors[turn.who].segments = turn.storage().segments;
  turn.then(after, "G5", "lists segments");
}

void g5_list_packs(const CollectorTurn& turn) {
  auto after = turn.step_done();
  after.collectors[turn.who].seen = turn.storage().packs;
  turn.then(after, "G5", "lists packs", turn.storage().packs);
}

void g5_commit_catalogue(const CollectorTurn& turn) {
  auto after = turn.step_done();
  commit_catalogue(turn.protocol, after, turn.now().seen);
  turn.then(after, "G5", "brings the catalogue to that", turn.now().seen);
}

/// Others' records whose packs are gone or go now: nobody needs them when this run is done.
RecordSet spent_records(const CollectorTurn& turn, PackSet goes) {
  if (!turn.protocol.g7_checks_that_packs_are_gone) {
    return turn.now().read;
  }
  RecordSet spent;
  for (const auto run : turn.now().read) {
    if (goes.has_all(turn.storage().records[run] & turn.now().seen)) {
      spent.add(run);
    }
  }
  return spent;
}

void g5_decide(const CollectorTurn& turn) {
  const auto& storage = turn.storage();
  auto after = turn.step_done();
  auto& collector = after.collectors[turn.who];
  const auto looked_up =
      turn.protocol.g5_is_frozen ? collector.seen - collector.dropped : storage.catalogue;
  const auto outside = looked_up - collector.condemned - collector.doomed;
  const auto at_stake = collector.marked - chunks_in(storage, outside);
  const auto doomed = collector.doomed & collector.seen;
  PackSet goes;
  for (const auto pack : doomed) {
    if ((storage.chunks[pack] & at_stake).empty()) {
      goes.add(pack);
    }
  }
  const auto stays = collector.seen - goes;
  SegmentSet replaced;
  for (const auto segment : collector.segments) {
    const auto listed = packs_listed_by(storage, segment);
    const auto dead = turn.protocol.g6_cleans_dead_listings ? listed - stays : listed & goes;
    if (!dead.empty()) {
      replaced.add(segment);
      collector.left = collector.left | (listed & stays);
    }
  }
  collector.read = spent_records(turn, goes);
  collector.segments = replaced;
  collector.doomed = goes;
  collector.condemned = {};
  collector.marked = {};
  collector.dropped = {};
  if (turn.protocol.g7_judges_records_read_before_packs_were_listed) {
    collector.seen = {};
  }
  turn.then(after, "G5", "decides to delete", goes);
}

// --- G6 ---

void g6_put_segment(const CollectorTurn& turn) {
  const auto left = turn.now().left;
  auto after = turn.step_done();
  after.collectors[turn.who].left = {};
  after.storage.segments.add(segment_of_what_is_left(turn.run()));
  after.storage.what_is_left[turn.run()] = left;
  turn.then(after, "G6", "puts a segment of what is left", left);
}

Broken broken_by_removing(const Storage& storage, unsigned segment) {
  auto may_be_unlisted = PackSet();
  for (const auto& condemned : storage.records) {
    may_be_unlisted = may_be_unlisted | condemned;
  }
  const auto stays_listed = listed_packs(storage, storage.segments - SegmentSet::of(segment));
  const auto unlisted = (packs_listed_by(storage, segment) & storage.packs) - stays_listed;
  return may_be_unlisted.has_all(unlisted) ? Broken::nothing : Broken::left_the_index;
}

void g6_remove_segments(const CollectorTurn& turn) {
  const auto segment = *turn.now().segments.begin();
  auto after = turn.before;
  after.storage.segments.remove(segment);
  after.collectors[turn.who].segments.remove(segment);
  turn.then(after, "G6", "removes an old segment", packs_listed_by(turn.storage(), segment),
            broken_by_removing(turn.storage(), segment));
}

void g6_remove_packs(const CollectorTurn& turn) {
  const auto still_listed = listed_packs(turn.storage(), turn.now().segments);
  for (const auto pack : turn.now().doomed) {
    auto after = turn.before;
    after.storage.packs.remove(pack);
    after.collectors[turn.who].doomed.remove(pack);
    turn.then(after, "G6", "removes a pack", PackSet::of(pack),
              still_listed.has(pack) ? Broken::deleted_while_listed : Broken::nothing);
  }
}

// --- G7 ---

void g7_remove_own_record(const CollectorTurn& turn) {
  auto after = turn.step_done();
  after.storage.records[turn.run()] = {};
  if (!turn.protocol.g7_leaves_fences) {
    after.storage.fences = {};
  }
  turn.then(after, "G7", "removes its record", turn.storage().records[turn.run()]);
}

void g7_remove_spent_records(const CollectorTurn& turn) {
  auto spent = turn.now().read & records_there(turn.storage());
  if (!turn.protocol.g7_judges_records_read_before_packs_were_listed) {
    spent = {};
    for (const auto run : records_there(turn.storage())) {
      if ((turn.storage().records[run] & turn.now().seen & turn.storage().packs).empty()) {
        spent.add(run);
      }
    }
  }
  if (spent.empty()) {
    turn.then(turn.step_done(), "G7", "is done");
    return;
  }
  const auto run = *spent.begin();
  auto after = turn.before;
  after.storage.records[run] = {};
  after.collectors[turn.who].read.remove(run);
  turn.then(after, "G7", "removes the record of another", turn.storage().records[run]);
}

void do_early_step(const CollectorTurn& turn, CollectorStep step) {
  switch (step) {
    case CollectorStep::g0_read_records:
      return g0_read_records(turn);
    case CollectorStep::g0_list_packs:
      return g0_list_packs(turn);
    case CollectorStep::g0_mark_and_plan:
      return g0_mark_and_plan(turn);
    case CollectorStep::g1_put_copies:
      return g1_put_copies(turn);
    case CollectorStep::g1_put_segment:
      return g1_put_segment(turn);
    case CollectorStep::g1_put_record:
      return g1_put_record(turn);
    case CollectorStep::g2_list_sessions:
      return g2_list_sessions(turn);
    case CollectorStep::g3_wait:
      return g3_wait(turn);
    case CollectorStep::g4_mark_again:
      return g4_mark_again(turn);
    default:
      return;
  }
}

void do_late_step(const CollectorTurn& turn, CollectorStep step) {
  switch (step) {
    case CollectorStep::g5_list_records:
      return g5_list_records(turn);
    case CollectorStep::g5_read_records:
      return g5_read_records(turn);
    case CollectorStep::g5_list_segments:
      return g5_list_segments(turn);
    case CollectorStep::g5_list_packs:
      return g5_list_packs(turn);
    case CollectorStep::g5_commit_catalogue:
      return g5_commit_catalogue(turn);
    case CollectorStep::g5_decide:
      return g5_decide(turn);
    case CollectorStep::g6_put_segment:
      return g6_put_segment(turn);
    case CollectorStep::g6_remove_segments:
      return g6_remove_segments(turn);
    case CollectorStep::g6_remove_packs:
      return g6_remove_packs(turn);
    case CollectorStep::g7_remove_own_record:
      return g7_remove_own_record(turn);
    case CollectorStep::g7_remove_spent_records:
      return g7_remove_spent_records(turn);
    default:
      return;
  }
}

void do_step(const CollectorTurn& turn, CollectorStep step) {
  step <= CollectorStep::g4_mark_again ? do_early_step(turn, step) : do_late_step(turn, step);
}

void CollectorTurn::then(State after, const char* step, const char* does, PackSet packs,
                         Broken broken) const {
  settle(world, protocol, after);
  const auto next = after.collectors[who].step;
  const auto& at_once = protocol.collector_at_once;
  if (next < protocol.collector.size() &&
      std::find(at_once.begin(), at_once.end(), protocol.collector[next]) != at_once.end()) {
    do_step({world, protocol, after, who, moves, does}, protocol.collector[next]);
    return;
  }
  const Label label{'C', who, now().attempt, step, does_first, does, packs};
  moves.push_back({after, label, broken == Broken::nothing ? broken_by(after.storage) : broken});
}

}  // namespace

void append_moves_of_collector(const World& world, const Protocol& protocol, const State& state,
                               unsigned collector, std::vector<Move>& moves) {
  const CollectorTurn turn{world, protocol, state, collector, moves};
  if (!turn.is_over()) {
    do_step(turn, protocol.collector[turn.now().step]);
  }
  if (collector != kLoneCollector && turn.now().step > 0 &&
      turn.now().attempt + 1U < world.runs_each) {
    turn.then(turn.reset(0, turn.now().attempt + 1U), "--",
              turn.is_over() ? "begins the next run" : "crashes and begins again");
  }
}

}  // namespace cairn::protocol
