#include "repo/protocol/mutations.h"
#include "catch2.h"

namespace cairn::protocol {
namespace {

#ifdef CAIRN_SMALL_PROOF
constexpr std::size_t kStatesMax = 200'000;  // Those that need more are passed over.
#else
constexpr std::size_t kStatesMax = 20'000'000;
#endif

SearchResult search_with(const Mutation& mutation) {
  auto protocol = as_designed(mutation.world);
  mutation.make(protocol);
  SearchOptions options;
  options.looked_for = {mutation.breaks};
  options.states_max = kStatesMax;
  return search(mutation.world, protocol, options);
}

TEST_CASE("protocol: each mistake is found") {
  const auto all = mutations();
  REQUIRE(all.size() >= 28);
  std::size_t found = 0;
  for (const auto& mutation : all) {
    const auto result = search_with(mutation);
    INFO(mutation.name << ": " << result.states << " states");
#ifdef CAIRN_SMALL_PROOF
    CHECK((result.broken == mutation.breaks || result.states > kStatesMax));
#else
    CHECK(result.broken == mutation.breaks);
#endif
    found += result.broken == mutation.breaks ? 1U : 0U;
  }
  CHECK(found >= 15);
}

TEST_CASE("protocol: a mistake is shown step by step") {
  for (const auto& mutation : mutations()) {
    if (mutation.name.starts_with("W2 before W1")) {
      const auto trace = search_with(mutation).trace;
      INFO(trace);
      // The packs were listed while this one was there, and the record was gone when it was looked
      // for.
      const auto listed = trace.find("W1.1  W2  lists packs {P1 P2}");
      const auto removed = trace.find("C1.1  G7  removes its record");
      const auto relied = trace.find("W1.1  W4  creates its register as a snapshot");
      CHECK(listed < removed);
      CHECK(removed < relied);
      CHECK(relied != std::string::npos);
    }
  }
}

// protocol_tests "[.traces]": how each mistake loses data.
TEST_CASE("protocol: traces of all mistakes", "[.traces]") {
  for (const auto& mutation : mutations()) {
    const auto result = search_with(mutation);
    WARN(mutation.name << " (" << result.states << " states)\n" << result.trace);
  }
}

}  // namespace
}  // namespace cairn::protocol
