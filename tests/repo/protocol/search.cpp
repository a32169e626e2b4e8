#include "repo/protocol/search.h"

#include <algorithm>
#include <deque>
#include <limits>

#include <fmt/format.h>
#include <gsl/assert>

#include "repo/protocol/packed_state.h"

namespace cairn::protocol {
namespace {

/// States in the order in which they were met; each is kept once.
class StateSet {
 public:
  StateSet() : slots_(kSlotsFirst, kNone) {}

  /// False if it was there already.
  bool insert(const PackedState& packed) {
    if (2 * states_.size() >= slots_.size()) {
      grow();
    }
    auto& slot = slot_of(packed);
    if (slot != kNone) {
      return false;
    }
    slot = static_cast<std::uint32_t>(states_.size());
    states_.push_back(packed);
    return true;
  }
  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] const PackedState& operator[](std::size_t number) const { return states_[number]; }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kSlotsFirst = 1U << 16U;

  std::uint32_t& slot_of(const PackedState& packed) {
    auto at = hash_of(packed) & (slots_.size() - 1);
    while (slots_[at] != kNone && states_[slots_[at]] != packed) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return slots_[at];
  }
  void grow() {
    slots_.assign(2 * slots_.size(), kNone);
    for (std::size_t number = 0; number < states_.size(); ++number) {
      slot_of(states_[number]) = static_cast<std::uint32_t>(number);
    }
  }

  std::deque<PackedState> states_;
  std::vector<std::uint32_t> slots_;
};

class Search {
 public:
  Search(const World& world, const Protocol& protocol, const SearchOptions& options)
      : world_(world), protocol_(protocol), options_(options) {}

  SearchResult run() {
    states_.insert(pack(world_, initial_state(world_)));
    parents_.push_back(0);
    std::vector<Move> moves;
    for (std::size_t number = 0; number < states_.size(); ++number) {
      if (states_.size() > options_.states_max) {
        return finish();
      }
      const auto state = unpack(world_, states_[number]);
      if (!look_at(state, number)) {
        return finish();
      }
      moves.clear();
      append_moves(world_, protocol_, state, moves);
      result_.moves += moves.size();
      for (const auto& move : moves) {
        if (is_looked_for(move.broken)) {
          result_.broken = move.broken;
          result_.trace = trace_to(number) + line_of(move);
          return finish();
        }
        if (states_.insert(pack(world_, move.after))) {
          parents_.push_back(static_cast<std::uint32_t>(number));
        }
      }
    }
    result_.complete = true;
    return finish();
  }

 private:
  [[nodiscard]] bool is_looked_for(Broken broken) const {
    return std::find(options_.looked_for.begin(), options_.looked_for.end(), broken) !=
           options_.looked_for.end();
  }

  /// False if everybody could die here and a lone collector would not get clean.
  bool look_at(const State& state, std::size_t number) {
    const auto& storage = state.storage;
    result_.collected += storage.packs.has_all(PackSet::first(kInitialPacks)) ? 0U : 1U;
    result_.committed += storage.snapshots.empty() ? 0U : 1U;
    if (!is_looked_for(Broken::not_clean) || !storages_.insert(pack(storage))) {
      return true;
    }
    const auto broken = after_lone_collector(world_, protocol_, state, nullptr);
    if (broken == Broken::nothing) {
      return true;
    }
    result_.broken = broken;
    result_.trace = trace_to(number) + "all others are dead\n";
    std::vector<Move> alone;
    after_lone_collector(world_, protocol_, state, &alone);
    for (const auto& move : alone) {
      result_.trace += line_of(move);
    }
    return false;
  }

  [[nodiscard]] std::string line_of(const Move& move) const {
    return fmt::format("{:<72} | {}\n", describe(world_, move.label),
                       describe(world_, move.after.storage));
  }

  /// Packed states keep no labels: each step is done again to see which one it was.
  [[nodiscard]] std::string trace_to(std::size_t number) const {
    std::vector<std::size_t> way;
    for (; number != 0; number = parents_[number]) {
      way.push_back(number);
    }
    std::reverse(way.begin(), way.end());
    std::string trace;
    auto state = initial_state(world_);
    for (const auto next : way) {
      std::vector<Move> moves;
      append_moves(world_, protocol_, state, moves);
      const auto move = std::find_if(moves.begin(), moves.end(), [&](const Move& candidate) {
        return pack(world_, candidate.after) == states_[next];
      });
      Expects(move != moves.end());
      trace += line_of(*move);
      state = move->after;
    }
    return trace;
  }

  SearchResult finish() {
    result_.states = states_.size();
    result_.storages = storages_.size();
    return std::move(result_);
  }

  const World& world_;
  const Protocol& protocol_;
  const SearchOptions& options_;
  StateSet states_;
  StateSet storages_;
  std::deque<std::uint32_t> parents_;
  SearchResult result_;
};

}  // namespace

SearchResult search(const World& world, const Protocol& protocol, const SearchOptions& options) {
  return Search(world, protocol, options).run();
}

}  // namespace cairn::protocol
