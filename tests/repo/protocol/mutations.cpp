#include "repo/protocol/mutations.h"

#include <algorithm>

#include <gsl/assert>

namespace cairn::protocol {
namespace {

/// Takes a step out of a program and puts it before another one.
template <class Step>
void move_before(std::vector<Step>& program, Step step, Step other) {
  const auto count = std::erase(program, step);
  Expects(count == 1);
  const auto place = std::find(program.begin(), program.end(), other);
  Expects(place != program.end());
  program.insert(place, step);
}

template <class Step>
void leave_out(std::vector<Step>& program, Step step) {
  const auto count = std::erase(program, step);
  Expects(count == 1);
}

World world_of(unsigned writers, unsigned collectors) {
  World world;
  world.writers = writers;
  world.collectors = collectors;
  world.plans = Plans::two;
  return world;
}

World restarting(World world) {
  world.sessions_each = 2;
  return world;
}

World sharing_catalogue(World world) {
  world.shared_catalogue = true;
  return world;
}

/// So that a writer's pack may be the only one that the next writer needs.
World copying(World world) {
  world.writers_may_copy = true;
  return world;
}

World without_index(World world) {
  world.index = false;
  world.fine = false;
  return world;
}

World tidy(World world) {
  world.plans = Plans::tidy;
  return world;
}

World with_vouching(World world) {
  world.standing_snapshots_vouch = true;
  return world;
}

std::vector<Mutation> mutations_of_writers() {
  using Step = WriterStep;
  return {
      {"W0 after W2: it announces itself when it has looked", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.writer, Step::w0_announce, Step::w3_put_pack);
       }},
      {"W1 left out: it reads no condemned records", world_of(1, 1),
       [](Protocol& protocol) {
         leave_out(protocol.writer, Step::w1_list_records);
         leave_out(protocol.writer, Step::w1_read_records);
       }},
      {"W2 before W1", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.writer, Step::w2_list_packs, Step::w1_list_records);
       }},
      {"W2 believes the segments and does not ask which packs are there", copying(world_of(2, 1)),
       [](Protocol& protocol) { protocol.w2_asks_which_packs_are_there = false; }},
      {"W2 is not frozen: it relies on what others put into the catalogue later",
       sharing_catalogue(world_of(2, 1)),
       [](Protocol& protocol) { protocol.w2_is_frozen = false; }},
      {"W2 lets snapshots vouch that it saw before W0", with_vouching(world_of(1, 1)),
       [](Protocol& protocol) {
         move_before(protocol.writer, Step::w2_list_snapshots, Step::w0_announce);
       }},
      {"W4 does not heed a fence", world_of(1, 1),
       [](Protocol& protocol) { protocol.w4_heeds_fences = false; }},
      {"W4 finds a fence and begins again, but keeps what it knew of its own packs",
       restarting(copying(world_of(1, 1))),
       [](Protocol& protocol) { protocol.w4_forgets_its_packs_when_fenced = false; }},
      {"W5 before W4: it removes its session before it has a register", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.writer, Step::w5_remove_session, Step::w4_create_register);
       }},
  };
}

std::vector<Mutation> mutations_of_planning_and_waiting() {
  using Step = CollectorStep;
  return {
      {"G0 takes packs condemned by others for none of its business", world_of(1, 2),
       [](Protocol& protocol) { protocol.g0_empties_condemned_packs = false; }, Broken::not_clean},
      {"G1 after G2: the record is put when sessions have been listed", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g1_put_record, Step::g3_wait);
       }},
      {"G1 after G6: the record is put when packs have been deleted", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g1_put_record, Step::g7_remove_own_record);
       }},
      {"G3 left out: it does not wait", world_of(1, 1),
       [](Protocol& protocol) { leave_out(protocol.collector, Step::g3_wait); }},
      {"G4 left out: it does not list snapshots again", world_of(1, 1),
       [](Protocol& protocol) { leave_out(protocol.collector, Step::g4_mark_again); }},
      {"G4 before G3: it lists snapshots again before it has waited", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g4_mark_again, Step::g3_wait);
       }},
  };
}

std::vector<Mutation> mutations_of_deciding_and_deleting() {
  using Step = CollectorStep;
  return {
      {"G5 does not heed others' records", world_of(1, 2),
       [](Protocol& protocol) { protocol.g5_heeds_records_of_others = false; }},
      {"G5 reads the records after the refresh", world_of(1, 2),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g5_list_segments, Step::g5_list_records);
         move_before(protocol.collector, Step::g5_list_packs, Step::g5_list_records);
       }},
      {"G5 lists packs before segments", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g5_list_packs, Step::g5_list_segments);
       },
       Broken::left_the_index},
      {"G5 left out: it reads the records, but relies on the catalogue of G0", world_of(1, 2),
       [](Protocol& protocol) { leave_out(protocol.collector, Step::g5_list_packs); }},
      {"G5 is not frozen: it counts copies that others put back into the catalogue",
       sharing_catalogue(world_of(1, 2)),
       [](Protocol& protocol) { protocol.g5_is_frozen = false; }},
      {"G6 deletes packs before the segments that list them are replaced", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g6_remove_packs, Step::g6_put_segment);
       },
       Broken::deleted_while_listed},
      {"G6 leaves segments alone that list packs which are gone", world_of(1, 2),
       [](Protocol& protocol) { protocol.g6_cleans_dead_listings = false; }, Broken::not_clean},
      {"G7 before G6: the record is removed before the packs are", world_of(1, 1),
       [](Protocol& protocol) {
         move_before(protocol.collector, Step::g7_remove_own_record, Step::g6_put_segment);
       }},
      {"G7 left out: the record stays", world_of(1, 1),
       [](Protocol& protocol) { leave_out(protocol.collector, Step::g7_remove_own_record); },
       Broken::not_clean},
      {"G7 leaves others' records for ever", world_of(1, 1),
       [](Protocol& protocol) { leave_out(protocol.collector, Step::g7_remove_spent_records); },
       Broken::not_clean},
      {"G7 removes records of others whose packs are there", world_of(1, 2),
       [](Protocol& protocol) { protocol.g7_checks_that_packs_are_gone = false; }},
      {"G7 judges records that it reads then by the packs listed in G5",
       tidy(without_index(restarting(world_of(1, 2)))),
       [](Protocol& protocol) {
         protocol.g7_judges_records_read_before_packs_were_listed = false;
       }},
      {"G7 removes fences while their writers may come back", world_of(1, 1),
       [](Protocol& protocol) { protocol.g7_leaves_fences = false; }},
  };
}

}  // namespace

std::vector<Mutation> mutations() {
  auto all = mutations_of_writers();
  for (const auto& more :
       {mutations_of_planning_and_waiting(), mutations_of_deciding_and_deleting()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace cairn::protocol
