#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "repo/protocol/small_set.h"

// The small world in which the protocol of docs/design/0009-collection.md is tried out: what lies
// in storage, and what each actor has in mind.
namespace cairn::protocol {

// --- Names ---
// Everything that can ever be created has a number of its own, given by who creates it: two ways to
// the same contents are one state, and no id is ever used twice.

inline constexpr unsigned kInitialPacks = 2;
inline constexpr unsigned kSessions = 4;  ///< Of all writers together.
inline constexpr unsigned kRuns = 4;      ///< Of all collectors together.
inline constexpr unsigned kLoneRun =
    kRuns;  ///< Of the collector that comes when all others are dead.
inline constexpr unsigned kWritersMax = 3;
inline constexpr unsigned kCollectorsMax = 3;
inline constexpr unsigned kLoneCollector = kCollectorsMax;

inline constexpr unsigned kPacks = kInitialPacks + kSessions + kRuns + 1;
constexpr unsigned pack_of_session(unsigned session) { return kInitialPacks + session; }
constexpr unsigned copies_of_run(unsigned run) { return kInitialPacks + kSessions + run; }

inline constexpr unsigned kInitialSegment = 0;
inline constexpr unsigned kSegments = 1 + kSessions + 2 * (kRuns + 1);
constexpr unsigned segment_of_session(unsigned session) { return 1 + session; }
constexpr unsigned segment_of_copies(unsigned run) { return 1 + kSessions + run; }
constexpr unsigned segment_of_what_is_left(unsigned run) { return 1 + kSessions + kRuns + 1 + run; }
static_assert(kPacks <= 16 && kSegments <= 16);

inline constexpr unsigned kChunks = 2;
inline constexpr ChunkSet kChunkA = ChunkSet::of(0);
inline constexpr ChunkSet kEveryChunk = ChunkSet::first(kChunks);

// --- Storage ---

/// What everybody sees.
struct Storage {
  PackSet packs;  ///< Those that are there.
  /// What a pack holds, or held: who knows a pack knows that too.
  std::array<ChunkSet, kPacks> chunks;
  SegmentSet segments;
  std::array<PackSet, kRuns + 1> what_is_left;  ///< Listed by the segment that a run made in G6.
  std::array<PackSet, kRuns + 1> records;       ///< Condemned packs; empty: there is no record.
  SessionSet sessions;
  SessionSet snapshots;          ///< Registers that are snapshots, of every chunk ...
  SessionSet fences;             ///< ... and those that are fences.
  bool first_forgotten = false;  ///< The snapshot of chunk A that was there before all others.
  PackSet catalogue;             ///< One catalogue for all actors, if they share it.

  bool operator==(const Storage&) const = default;
};

// --- Actors ---
// A dead actor is one that is never heard of again: no state says so, any actor may stop anywhere.

struct Writer {
  std::uint8_t step = 0;     ///< Place in the program.
  std::uint8_t attempt = 0;  ///< Sessions before this one.
  RecordSet listed;          ///< W1: records still to be read.
  PackSet condemned;         ///< W1: packs named in them.
  PackSet usable;            ///< W2
  ChunkSet vouched;          ///< W2: reached by snapshots that stand.
  ChunkSet own;              ///< What it believes to have stored itself. Only a broken one.
  RecordSet
      at_announcement;  ///< Records that were there when it announced itself; for the invariant.

  bool operator==(const Writer&) const = default;
};

struct Collector {
  std::uint8_t step = 0;
  std::uint8_t attempt = 0;
  RecordSet listed;  ///< G5: records still to be read.
  RecordSet read;    ///< G5: others' records; after it those whose packs are, or will be, all gone.
  PackSet condemned;    ///< Packs named in others' records.
  PackSet seen;         ///< Packs that were there at the last refresh ...
  PackSet dropped;      ///< ... but that others have since taken out of the shared catalogue.
  ChunkSet marked;      ///< Reached by snapshots.
  PackSet doomed;       ///< G1: named in its own record. After G5: to be deleted.
  SessionSet awaited;   ///< G3
  SegmentSet segments;  ///< G5: seen. After it: to be replaced.
  PackSet left;         ///< G6: packs of those segments that stay.

  bool operator==(const Collector&) const = default;
};

struct State {
  Storage storage;
  std::array<Writer, kWritersMax> writers;
  std::array<Collector, kCollectorsMax + 1> collectors;

  bool operator==(const State&) const = default;
};

// --- Bounds ---

/// How a collector chooses what it dooms beside packs condemned by others.
enum class Plans : std::uint8_t {
  any,   ///< Any subset of the packs that it sees.
  two,   ///< The tidy one or all packs.
  tidy,  ///< Packs that hold garbage, or a chunk that another pack holds too.
};

/// Why these bounds are enough: see the proof.
struct World {
  std::string name;
  unsigned writers = 1;
  unsigned sessions_each = 1;  ///< More than one: it may crash anywhere and begin again.
  unsigned collectors = 1;
  unsigned runs_each = 1;
  Plans plans = Plans::any;
  bool writers_may_copy = false;  ///< A writer may store what it could rely on.
  bool standing_snapshots_vouch = false;
  bool shared_catalogue = false;
  bool index = true;  ///< Otherwise there are no segments.
  bool fine = true;   ///< Otherwise what is read in a row is read at one moment.
};

inline unsigned session_of(const World& world, unsigned writer, unsigned attempt) {
  return writer * world.sessions_each + attempt;
}
inline unsigned run_of(const World& world, unsigned collector, unsigned attempt) {
  return collector == kLoneCollector ? kLoneRun : collector * world.runs_each + attempt;
}

// --- Questions about storage ---

ChunkSet chunks_in(const Storage& storage, PackSet packs);
PackSet packs_listed_by(const Storage& storage, unsigned segment);
PackSet listed_packs(const Storage& storage, SegmentSet segments);
RecordSet records_there(const Storage& storage);
/// Chunks that snapshots without tombstone reach.
ChunkSet chunks_reached(const Storage& storage);

State initial_state(const World& world);

// --- Names for people ---

std::string name_of_pack(const World& world, unsigned pack);
std::string names_of(const World& world, PackSet packs);
std::string describe(const World& world, const Storage& storage);

}  // namespace cairn::protocol
