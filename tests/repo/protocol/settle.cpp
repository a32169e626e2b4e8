#include <algorithm>

#include "repo/protocol/moves.h"

namespace cairn::protocol {

ChunkSet chunks_to_copy(const Protocol& protocol, const Storage& storage,
                        const Collector& collector) {
  const auto elsewhere = protocol.g0_empties_condemned_packs
                             ? collector.seen - collector.doomed
                             : (collector.seen | collector.condemned) - collector.doomed;
  return (collector.marked & chunks_in(storage, collector.doomed)) - chunks_in(storage, elsewhere);
}

namespace {

bool is_idle(const Protocol& protocol, const Storage& storage, const Collector& collector,
             CollectorStep step) {
  switch (step) {
    case CollectorStep::g1_put_copies:
      return chunks_to_copy(protocol, storage, collector).empty();
    case CollectorStep::g1_put_record:
      return collector.doomed.empty();
    case CollectorStep::g3_wait:
      return collector.awaited.empty();
    case CollectorStep::g5_read_records:
      return collector.listed.empty();
    case CollectorStep::g6_put_segment:
      return collector.left.empty();
    case CollectorStep::g6_remove_segments:
      return collector.segments.empty();
    case CollectorStep::g6_remove_packs:
      return collector.doomed.empty();
    case CollectorStep::g7_remove_spent_records:
      return collector.read.empty() && protocol.g7_judges_records_read_before_packs_were_listed;
    default:
      return false;
  }
}

void settle_writer(const Protocol& protocol, const Storage& storage, Writer& writer) {
  writer.listed = writer.listed & records_there(storage);
  if (writer.step < protocol.writer.size() &&
      protocol.writer[writer.step] == WriterStep::w1_read_records && writer.listed.empty()) {
    ++writer.step;
  }
  if (writer.step == protocol.writer.size()) {
    const auto attempt = writer.attempt;
    writer = {};
    writer.step = static_cast<std::uint8_t>(protocol.writer.size());
    writer.attempt = attempt;
  }
}

void settle_collector(const Protocol& protocol, const Storage& storage, Collector& collector) {
  const auto is_before = [&](CollectorStep step) {
    return collector.step <= protocol.place_of(step);
  };
  if (!is_before(CollectorStep::g1_put_record)) {
    // Both are asked again.
    if (protocol.has(CollectorStep::g5_list_packs) && is_before(CollectorStep::g5_list_packs)) {
      collector.seen = {};
    }
    if (protocol.has(CollectorStep::g5_list_records) && is_before(CollectorStep::g5_list_records)) {
      collector.condemned = {};
    }
  }
  if (!is_before(CollectorStep::g5_decide)) {
    collector.doomed = collector.doomed & storage.packs;
    collector.segments = collector.segments & storage.segments;
    collector.read = collector.read & records_there(storage);
  }
  collector.listed = collector.listed & records_there(storage);
  collector.awaited = (collector.awaited & storage.sessions) - storage.snapshots - storage.fences;
  const auto is_next = [&](CollectorStep step) {
    return collector.step < protocol.collector.size() && protocol.collector[collector.step] == step;
  };
  while (collector.step < protocol.collector.size() &&
         is_idle(protocol, storage, collector, protocol.collector[collector.step])) {
    const bool copies_nothing = is_next(CollectorStep::g1_put_copies);
    ++collector.step;
    if (copies_nothing && is_next(CollectorStep::g1_put_segment)) {
      ++collector.step;
    }
  }
  if (collector.step == protocol.collector.size()) {
    const auto attempt = collector.attempt;
    collector = {};
    collector.step = static_cast<std::uint8_t>(protocol.collector.size());
    collector.attempt = attempt;
  }
}

/// What was in a pack that is gone matters only to those who believe that it is there.
void forget_contents(const Protocol& protocol, State& state) {
  auto remembered = state.storage.packs | state.storage.catalogue;
  if (!protocol.w2_asks_which_packs_are_there) {
    remembered = remembered | listed_packs(state.storage, state.storage.segments);
  }
  for (const auto& writer : state.writers) {
    remembered = remembered | writer.usable;
  }
  for (const auto& collector : state.collectors) {
    remembered = remembered | collector.seen | collector.doomed;
  }
  for (unsigned pack = kInitialPacks; pack < kPacks; ++pack) {
    if (!remembered.has(pack)) {
      state.storage.chunks[pack] = {};
    }
  }
}

/// What a segment listed that is gone matters only to those who are about to replace it.
void forget_listings(State& state) {
  auto remembered = state.storage.segments;
  for (const auto& collector : state.collectors) {
    remembered = remembered | collector.segments;
  }
  for (unsigned run = 0; run < state.storage.what_is_left.size(); ++run) {
    if (!remembered.has(segment_of_what_is_left(run))) {
      state.storage.what_is_left[run] = {};
    }
  }
}

}  // namespace

void settle(const World& world, const Protocol& protocol, State& state) {
  for (unsigned who = 0; who < world.writers; ++who) {
    settle_writer(protocol, state.storage, state.writers[who]);
  }
  for (unsigned who = 0; who < world.collectors; ++who) {
    settle_collector(protocol, state.storage, state.collectors[who]);
  }
  settle_collector(protocol, state.storage, state.collectors[kLoneCollector]);
  forget_contents(protocol, state);
  forget_listings(state);
}

}  // namespace cairn::protocol
