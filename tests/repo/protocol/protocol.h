#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::protocol {

// One enumerator, and one function, for each step of the design note.

enum class WriterStep : std::uint8_t {
  w0_announce,
  w1_list_records,
  w1_read_records,
  w2_list_packs,
  w2_commit_catalogue,
  w2_list_snapshots,
  w3_put_pack,
  w3_put_segment,
  w4_create_register,
  w5_remove_session,
};

enum class CollectorStep : std::uint8_t {
  g0_read_records,
  g0_list_packs,
  g0_mark_and_plan,
  g1_put_copies,
  g1_put_segment,
  g1_put_record,
  g2_list_sessions,
  g3_wait,
  g4_mark_again,
  g5_list_records,
  g5_read_records,
  g5_list_segments,
  g5_list_packs,
  g5_commit_catalogue,
  g5_decide,
  g6_put_segment,
  g6_remove_segments,
  g6_remove_packs,
  g7_remove_own_record,
  g7_remove_spent_records,
};

/// What actors do, in which order. A seeded mistake is another order or another answer.
struct Protocol {
  std::vector<WriterStep> writer;
  std::vector<CollectorStep> collector;
  /// Steps that follow the one before them in the same moment.
  std::vector<WriterStep> writer_at_once;
  std::vector<CollectorStep> collector_at_once;

  bool w2_asks_which_packs_are_there = true;  ///< Otherwise it believes the index segments.
  bool w2_is_frozen = true;
  bool w4_heeds_fences = true;
  bool w4_forgets_its_packs_when_fenced = true;
  bool g0_empties_condemned_packs = true;
  bool g5_heeds_records_of_others = true;
  bool g5_is_frozen = true;
  bool g6_cleans_dead_listings = true;
  bool g7_checks_that_packs_are_gone = true;
  bool g7_judges_records_read_before_packs_were_listed = true;
  bool g7_leaves_fences = true;

  [[nodiscard]] bool has(CollectorStep step) const {
    return std::find(collector.begin(), collector.end(), step) != collector.end();
  }
  /// Expects(has(step))
  [[nodiscard]] std::size_t place_of(WriterStep step) const {
    return static_cast<std::size_t>(std::find(writer.begin(), writer.end(), step) - writer.begin());
  }
  [[nodiscard]] std::size_t place_of(CollectorStep step) const {
    return static_cast<std::size_t>(std::find(collector.begin(), collector.end(), step) -
                                    collector.begin());
  }
};

struct World;

/// The protocol as in docs/design/0009-collection.md. Steps that concern a shared catalogue, or
/// snapshots that vouch for what they reach, are there if the world has those.
Protocol as_designed(const World& world);

}  // namespace cairn::protocol
