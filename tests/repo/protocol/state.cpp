#include "repo/protocol/state.h"

#include <fmt/format.h>

namespace cairn::protocol {

ChunkSet chunks_in(const Storage& storage, PackSet packs) {
  ChunkSet chunks;
  for (const auto pack : packs) {
    chunks = chunks | storage.chunks[pack];
  }
  return chunks;
}

PackSet packs_listed_by(const Storage& storage, unsigned segment) {
  if (segment == kInitialSegment) {
    return PackSet::first(kInitialPacks);
  }
  if (segment < segment_of_copies(0)) {
    return PackSet::of(pack_of_session(segment - segment_of_session(0)));
  }
  if (segment < segment_of_what_is_left(0)) {
    return PackSet::of(copies_of_run(segment - segment_of_copies(0)));
  }
  return storage.what_is_left[segment - segment_of_what_is_left(0)];
}

PackSet listed_packs(const Storage& storage, SegmentSet segments) {
  PackSet packs;
  for (const auto segment : segments) {
    packs = packs | packs_listed_by(storage, segment);
  }
  return packs;
}

RecordSet records_there(const Storage& storage) {
  RecordSet there;
  for (unsigned run = 0; run < storage.records.size(); ++run) {
    if (!storage.records[run].empty()) {
      there.add(run);
    }
  }
  return there;
}

ChunkSet chunks_reached(const Storage& storage) {
  if (!storage.snapshots.empty()) {
    return kEveryChunk;
  }
  return storage.first_forgotten ? ChunkSet() : kChunkA;
}

State initial_state(const World& world) {
  State state;
  state.storage.packs = PackSet::first(kInitialPacks);
  state.storage.chunks[0] = kEveryChunk;
  state.storage.chunks[1] = kChunkA;
  if (world.index) {
    state.storage.segments.add(kInitialSegment);
  }
  state.storage.catalogue = state.storage.packs;
  return state;
}

std::string name_of_pack(const World& world, unsigned pack) {
  if (pack < kInitialPacks) {
    return fmt::format("P{}", pack + 1);
  }
  if (pack < copies_of_run(0)) {
    const auto session = pack - pack_of_session(0);
    return fmt::format("P-W{}.{}", session / world.sessions_each + 1,
                       session % world.sessions_each + 1);
  }
  const auto run = pack - copies_of_run(0);
  return run == kLoneRun
             ? "P-lone"
             : fmt::format("P-C{}.{}", run / world.runs_each + 1, run % world.runs_each + 1);
}

std::string names_of(const World& world, PackSet packs) {
  std::string names;
  for (const auto pack : packs) {
    names += (names.empty() ? "" : " ") + name_of_pack(world, pack);
  }
  return "{" + names + "}";
}

std::string describe(const World& world, const Storage& storage) {
  std::string text = "packs:";
  for (const auto pack : storage.packs) {
    text += fmt::format(" {}=", name_of_pack(world, pack));
    for (const auto chunk : storage.chunks[pack]) {
      text += static_cast<char>('a' + chunk);
    }
  }
  text += "; segments:";
  for (const auto segment : storage.segments) {
    text += " " + names_of(world, packs_listed_by(storage, segment));
  }
  text += "; condemned:";
  for (const auto run : records_there(storage)) {
    text += " " + names_of(world, storage.records[run]);
  }
  text +=
      fmt::format("; sessions: {}; snapshots: {}{}; fences: {}",
                  std::popcount(storage.sessions.bits()), storage.first_forgotten ? "" : "1+",
                  std::popcount(storage.snapshots.bits()), std::popcount(storage.fences.bits()));
  return text;
}

}  // namespace cairn::protocol
