#pragma once

#include <cstdint>

#include "catch2.h"
#include "outcome.h"
#include "seeded_data.h"
#include "store/backend/backend.h"

/// Objects made from seeds, for tests of backends.
namespace cairn::test {

inline constexpr std::uint64_t kNoLimit = UINT64_MAX;

inline repo::store::ObjectName name_of(repo::format::ObjectKind kind, std::uint64_t seed) {
  SeededRandom random(seed);
  return {.kind = kind, .id = core::Hash256::from(random.bytes(32))};
}

inline core::Bytes content(std::uint64_t seed, std::size_t size) {
  return SeededRandom(seed).bytes(size);
}

/// The object, which must be there.
inline core::Bytes whole(repo::store::Backend& backend, const repo::store::ObjectName& name) {
  auto got = backend.get(name, kNoLimit);
  INFO(message_of(got));
  REQUIRE(got);
  return *std::move(got);
}

}  // namespace cairn::test
