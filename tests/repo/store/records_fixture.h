#pragma once

#include <optional>
#include <string>

#include "catch2.h"
#include "fault_backend.h"
#include "mem_backend.h"
#include "outcome.h"
#include "store/objects/records.h"
#include "test_keys.h"

namespace cairn::test {

/// Keys, and a repository in memory that can be damaged.
struct RecordStore {
  TestKeys keys;
  MemBackend memory;
  FaultBackend backend{memory};
  std::uint64_t written = 0;
};

/// Damages every byte of a twin in turn: in either copy it must be survived, in both be refused.
/// `get` answers nullopt for an error, else whether the twin is intact.
template <class Get>
void check_twin_damage(MemBackend& memory, const repo::store::ObjectName& name, Get get) {
  const core::Bytes good = memory.object(name);
  REQUIRE(get() == std::optional<bool>(true));
  const std::size_t half = good.size() / 2;
  REQUIRE(core::equal(core::ByteView(good).first(half), core::ByteView(good).subspan(half)));
  for (std::size_t i = 0; i < half; ++i) {
    core::Bytes bad = good;
    bad[i] ^= std::byte{0x20};
    memory.set_object(name, bad);
    const bool first_survived = get() == std::optional<bool>(false);
    bad[half + i] ^= std::byte{0x20};
    memory.set_object(name, bad);
    const bool both_refused = get() == std::nullopt;
    bad[i] ^= std::byte{0x20};
    memory.set_object(name, bad);
    const bool second_survived = get() == std::optional<bool>(false);
    if (!first_survived || !both_refused || !second_survived) {
      FAIL_CHECK("byte " << i << ": " << first_survived << both_refused << second_survived);
    }
  }
  for (const std::size_t size : {half, half + 10, good.size() - 1}) {
    memory.set_object(name, core::to_bytes(core::ByteView(good).first(size)));
    CHECK(get() == std::optional<bool>(false));
  }
  core::Bytes longer = good;
  longer.push_back(std::byte{0});
  memory.set_object(name, longer);
  CHECK(get() == std::optional<bool>(false));
  memory.set_object(name, core::to_bytes(core::ByteView(good).first(half - 1)));
  CHECK(get() == std::nullopt);
  memory.set_object(name, good);
}

/// Puts the object of one name under another, as a hostile storage would.
inline void move_object(MemBackend& memory, const repo::store::ObjectName& from,
                        const repo::store::ObjectName& to) {
  memory.set_object(to, memory.object(from));
}

inline bool names_object(const std::string& message, const repo::store::ObjectName& name) {
  return message.find(repo::store::object_path(name)) != std::string::npos;
}

}  // namespace cairn::test
