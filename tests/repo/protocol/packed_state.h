#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "repo/protocol/state.h"

namespace cairn::protocol {

/// A state in few bytes, because millions are kept. Equal states have equal bits.
using PackedState = std::array<std::uint64_t, 7>;

/// Expects() that everything fits.
PackedState pack(const World& world, const State& state);
State unpack(const World& world, const PackedState& packed);

/// The part of it that does not depend on what actors have in mind.
PackedState pack(const Storage& storage);

std::uint64_t hash_of(const PackedState& packed);

}  // namespace cairn::protocol
