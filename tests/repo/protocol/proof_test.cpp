#include <string>

#include "catch2.h"
#include "repo/protocol/search.h"

// Every order of steps, in a small world, of the protocol in docs/design/0009-collection.md.
//
// What is bounded, and why that is enough:
//
// - *Actors*: up to three writers or three collectors, two and two together. The rules are about
//   pairs: a pack and the collector that dooms it, and the writer that relies on it, or the
//   collector that holds the only other copy. A third one may be dead: an actor that is never heard
//   of again is one that stops anywhere, and all others then meet what it left. A crash with a
//   restart is a next attempt (with nothing in mind, and a new id) or, more general, another actor,
//   while the first one may still come back.
// - *Chunks and packs*: two chunks. Chunk A is reached by a snapshot at the start, which may be
//   forgotten at any time; both are reached by each snapshot that a writer makes. P1 holds both, P2
//   another copy of A. So there are garbage, copies, and packs of which a part is needed. What is
//   promised is promised for each chunk alone. A writer makes one pack, a collector one pack of
//   copies: more would be put in the same place between the same steps.
// - *Time*: there is none. Any session may be fenced at once, anybody may be slow at any place.
// - *Lists*: one moment each. That is harsher than lists that take time: what is there all the
// while is
//   in both, and no rule compares two names of one list.
// - *Forgetting*: only of the first snapshot. That of others makes fewer promises, and frees what
//   the first one frees too.
// - *Plans*: which packs a collector dooms is up to it; in the larger worlds it is the plan that
//   leaves things tidy.
//
// Where a world is without index or not `fine`, it is larger in something else; what is left out
// there does not touch what is kept (no decision depends on segments), and has a world of its own.

namespace cairn::protocol {
namespace {

struct Proof {
  World world;
  std::size_t states_at_least;  ///< A search that misses a part of the world proves nothing.
};

void prove(const Proof& proof) {
  const auto& world = proof.world;
  const auto result = search(world, as_designed(world), SearchOptions());
  WARN(world.name << ": " << result.states << " states, " << result.moves << " moves, "
                  << result.storages << " contents of storage");
  INFO(result.trace);
  CHECK(result.broken == Broken::nothing);
  CHECK(result.complete);
  CHECK(result.states >= proof.states_at_least);
  // That something happens in it.
  CHECK(result.committed > result.states / 20);
  CHECK(result.collected > result.states / 20);
}

World world_of(std::string name, unsigned writers, unsigned collectors) {
  World world;
  world.name = std::move(name);
  world.writers = writers;
  world.collectors = collectors;
  return world;
}

World coarse(World world) {
  world.plans = Plans::tidy;
  world.index = false;
  world.fine = false;
  return world;
}

TEST_CASE("protocol: one writer, one collector, any plan") {
  auto world = world_of("1 writer, 1 collector", 1, 1);
  world.writers_may_copy = true;
  world.standing_snapshots_vouch = true;
  prove({world, 5'000});
}

TEST_CASE("protocol: two writers, one collector, any plan") {
  prove({world_of("2 writers, 1 collector", 2, 1), 100'000});
}

TEST_CASE("protocol: one writer, two collectors") {
  auto world = world_of("1 writer, 2 collectors", 1, 2);
  world.plans = Plans::tidy;
  prove({world, 180'000});
}

TEST_CASE("protocol: two writers share a catalogue with a collector") {
  auto world = world_of("2 writers, 1 collector, one catalogue", 2, 1);
  world.plans = Plans::two;
  world.shared_catalogue = true;
  world.standing_snapshots_vouch = true;
  world.writers_may_copy = true;
  prove({world, 400'000});
}

// What follows takes a minute together, and half an hour under a sanitizer.
#ifndef CAIRN_SMALL_PROOF

TEST_CASE("protocol: two collectors share a catalogue with a writer") {
  auto world = world_of("1 writer, 2 collectors, one catalogue", 1, 2);
  world.plans = Plans::tidy;
  world.shared_catalogue = true;
  world.standing_snapshots_vouch = true;
  prove({world, 700'000});
}

TEST_CASE("protocol: a writer and a collector that crash and begin again, any plan") {
  auto world = world_of("1 writer, 1 collector, two attempts each", 1, 1);
  world.sessions_each = 2;
  world.runs_each = 2;
  prove({world, 1'400'000});
}

TEST_CASE("protocol: three writers, one collector, any plan") {
  auto world = coarse(world_of("3 writers, 1 collector", 3, 1));
  world.plans = Plans::any;
  prove({world, 1'800'000});
}

TEST_CASE("protocol: one writer, three collectors") {
  prove({coarse(world_of("1 writer, 3 collectors", 1, 3)), 2'200'000});
}

TEST_CASE("protocol: a writer that begins again, two collectors") {
  auto world = coarse(world_of("1 writer with two attempts, 2 collectors", 1, 2));
  world.sessions_each = 2;
  prove({world, 490'000});
}

TEST_CASE("protocol: two writers, two collectors") {
  auto world = coarse(world_of("2 writers, 2 collectors", 2, 2));
  world.fine = true;
  prove({world, 4'500'000});
}

#endif

// One to six minutes each, and up to 1.5 GB: after a change of the protocol.

TEST_CASE("protocol: two writers, two collectors, two plans", "[.long]") {
  auto world = coarse(world_of("2 writers, 2 collectors, two plans", 2, 2));
  world.plans = Plans::two;
  prove({world, 12'500'000});
}

TEST_CASE("protocol: two writers, two collectors, with index", "[.long]") {
  auto world = world_of("2 writers, 2 collectors, with index", 2, 2);
  world.plans = Plans::tidy;
  prove({world, 15'000'000});
}

TEST_CASE("protocol: one writer, two collectors, any plan", "[.long]") {
  prove({world_of("1 writer, 2 collectors, any plan", 1, 2), 2'000'000});
}

TEST_CASE("protocol: two writers share a catalogue with two collectors", "[.long]") {
  auto world = coarse(world_of("2 writers, 2 collectors, one catalogue", 2, 2));
  world.shared_catalogue = true;
  world.standing_snapshots_vouch = true;
  prove({world, 7'000'000});
}

TEST_CASE("protocol: two collectors with two runs each, one writer", "[.long]") {
  auto world = coarse(world_of("1 writer, 2 collectors with two runs each", 1, 2));
  world.runs_each = 2;
  prove({world, 3'200'000});
}

TEST_CASE("protocol: a search that was cut short is no proof") {
  const auto world = world_of("cut short", 1, 1);
  SearchOptions options;
  options.states_max = 100;
  const auto result = search(world, as_designed(world), options);
  CHECK_FALSE(result.complete);
  CHECK(result.broken == Broken::nothing);
}

}  // namespace
}  // namespace cairn::protocol
